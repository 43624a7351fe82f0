package scaler

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// panics makes errors of panics, each of which is a defect: the call that met it
// fails, and the process lives. Every goroutine that is started for one begins with catch;
// the interceptors do so for the RPCs themselves.
type panics struct {
	log   *zap.Logger
	count prometheus.Counter
}

func newPanics(log *zap.Logger) panics {
	return panics{log: log, count: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "kafka_scaler_grpc_panics_total",
		Help: "Panics in RPCs and in the work for them, each of which is a defect of the scaler.",
	})}
}

// catch calls do, and returns a panic in it as an error. where says what was done, for the log.
func (p panics) catch(where string, do func()) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = p.note(where, value)
		}
	}()
	do()
	return nil
}

// note counts and logs a panic, with the stack that it is called on. The error says nothing of value, because
// nobody knows what it contains.
func (p panics) note(where string, value any) error {
	p.count.Inc()
	p.log.Error("panic in RPC", zap.String("method", where), zap.Any("panic", value), zap.Stack("stack"))
	return &fault.Error{
		Kind: fault.Internal, Op: "answer", Object: where, Err: errors.New("a defect of kafka-scaler"),
		Remedy: fmt.Sprintf("look for %q in its log and report it", "panic in RPC"),
	}
}
