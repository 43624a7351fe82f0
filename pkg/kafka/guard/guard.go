// Package guard is where goroutines of the Kafka client start, and where panics end.
package guard

import (
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Observer is told of panics that were contained.
type Observer interface{ Panicked(where string) }

// Guard is where goroutines start and where answers are read: a panic there, which
// is a defect of ours that some broker's bytes have found, fails what was being done
// and nothing else.
type Guard struct {
	Log      *zap.Logger
	Observer Observer
}

// Contain calls do, and returns a panic in it as an error.
func (g Guard) Contain(where string, do func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			g.Observer.Panicked(where)
			g.Log.Error("panic in the Kafka client", zap.String("where", where), zap.Any("panic", p), zap.Stack("stack"))
			// Nobody knows what the text of a panic contains.
			err = &fault.Error{
				Kind: fault.Internal, Op: where, Err: ErrPanic,
				Remedy: "look for \"panic in the Kafka client\" in the log and report it",
			}
		}
	}()
	do()
	return nil
}

// Start calls do in a goroutine of the group.
func (g Guard) Start(group *sync.WaitGroup, where string, do func()) {
	group.Go(func() { _ = g.Contain(where, do) })
}

// InParallel calls do for every item, from at most workers goroutines at a time,
// and returns when all calls have.
func InParallel[T any](g Guard, where string, workers int, items []T, do func(T)) {
	work := make(chan T)
	var working sync.WaitGroup
	for range min(workers, len(items)) {
		g.Start(&working, where, func() {
			for item := range work {
				_ = g.Contain(where, func() { do(item) })
			}
		})
	}
	for _, item := range items {
		work <- item
	}
	close(work)
	working.Wait()
}

// ErrPanic is what is said of a panic: nobody knows what its own text contains.
var ErrPanic = errors.New("a defect of kafka-scaler")
