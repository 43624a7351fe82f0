package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
)

// TestLogIsBounded: whoever makes up triggers gets some lines a minute for all of them, the first of each sort is always
// there, and what was left out is counted.
func TestLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out logBuffer
		log, _, limit := newLogger(&out, config.Log{Level: "info"})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- limit.run(ctx) }()
		count := func(words string) int { return strings.Count(out.String(), words) }
		flood := func() {
			for i := range 1000 {
				log.Error("no answer for trigger", zap.String("namespace", "evil"), zap.String("scaledObject", fmt.Sprint(i)))
			}
			for i := range 1000 {
				log.Error("no answer for trigger", zap.String("namespace", fmt.Sprint("evil-", i)), zap.Error(errors.New("no")))
			}
		}
		flood()
		log.Error("no answer for trigger", zap.String("namespace", "shop"))
		log.Info("cluster is watched", zap.String("cluster", "main"))
		if n := count("no answer for trigger"); n != logLines {
			t.Errorf("%d lines of 2,001, want %d", n, logLines)
		}
		if n := count(`"namespace":"evil"`); n != logLinesOfObject {
			t.Errorf("%d lines about one namespace, want %d", n, logLinesOfObject)
		}
		if count("cluster is watched") != 1 {
			t.Error("the first line of its sort is not written once there are many of another")
		}
		time.Sleep(logWindow + time.Second)
		synctest.Wait()
		if count(`"line":"no answer for trigger","count":1801`) != 1 {
			t.Errorf("what was left out is not said:\n%s", out.String())
		}
		before := len(out.String())
		log.Error("no answer for trigger", zap.String("namespace", "evil"))
		if len(out.String()) == before {
			t.Error("nothing is written a minute later")
		}
		flood()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := count("log lines were left out"); n != 2 {
			t.Errorf("what was left out is said %d times by the end, want 2", n)
		}
	})
}

// TestLinesAboutOneClusterAreCounted: a logger that was given its cluster before counts by it as well.
func TestLinesAboutOneClusterAreCounted(t *testing.T) {
	var out bytes.Buffer
	log, _, _ := newLogger(&out, config.Log{Level: "info"})
	for i := range 3 {
		of := log.With(zap.String("cluster", fmt.Sprint("cluster-", i)))
		for range 2 * logLinesOfObject {
			of.Info("connected")
		}
	}
	for i := range 3 {
		if n := strings.Count(out.String(), fmt.Sprintf(`"cluster":"cluster-%d"`, i)); n != logLinesOfObject {
			t.Errorf("%d lines about cluster %d, want %d", n, i, logLinesOfObject)
		}
	}
}
