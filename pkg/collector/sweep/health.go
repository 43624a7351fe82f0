package sweep

import (
	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// health is whether the cluster can be read at all.
type health struct {
	// down is set from the first refresh that brought failures only until one brings an answer.
	down bool
	// answers and failures are those since the last refresh; err is the first failure.
	answers, failures int
	err               error
}

// noteAnswer counts one answer of the source. That a topic does not exist is an
// answer too. It is called within Write.
func (w *Sweeper) noteAnswer(err error) {
	h := &w.health
	switch {
	case err == nil:
		h.answers++
	case h.failures > 0:
		// The kind is of no importance any more, and costs a walk through the error.
		h.failures++
	default:
		if fault.KindOf(err) == fault.NotFound {
			h.answers++
			return
		}
		h.failures++
		h.err = err
	}
}

// noteHealth logs a change. It is for whole refreshes: one late broker's failures
// come alone and say nothing about the others.
func (w *Sweeper) noteHealth() {
	w.Write(func(*store.Store, store.Stamp) {
		h := &w.health
		switch {
		case h.answers > 0 && h.down:
			h.down = false
			w.opts.Logger.Info("cluster can be read again", zap.String("cluster", w.opts.Cluster))
		case h.answers == 0 && h.failures > 0 && !h.down:
			h.down = true
			w.opts.Logger.Error("cluster cannot be read; its last known offsets count until they are too old",
				zap.String("cluster", w.opts.Cluster), zap.Error(h.err))
		}
		h.answers, h.failures, h.err = 0, 0, nil
	})
}
