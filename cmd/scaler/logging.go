package main

import (
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
)

// newLogger returns a logger to w, its level, which a reload may change, and its limit, which has to run.
func newLogger(w io.Writer, c config.Log) (*zap.Logger, zap.AtomicLevel, *logLimit) {
	level := zap.NewAtomicLevelAt(logLevel(c))
	encoder := zap.NewProductionEncoderConfig()
	encoder.TimeKey = "time"
	encoder.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder.EncodeDuration = zapcore.StringDurationEncoder
	var e zapcore.Encoder
	if c.Format == "console" {
		encoder.EncodeLevel = zapcore.CapitalLevelEncoder
		e = zapcore.NewConsoleEncoder(encoder)
	} else {
		e = zapcore.NewJSONEncoder(encoder)
	}
	core, limit := limited(zapcore.NewCore(e, zapcore.Lock(zapcore.AddSync(w)), level), time.Now)
	return zap.New(core), level, limit
}

// logLevel is for a configuration that is valid: its levels are zap's.
func logLevel(c config.Log) zapcore.Level {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return zapcore.InfoLevel
	}
	return level
}
