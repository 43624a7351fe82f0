package kafka

import (
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// guard is where goroutines start and where answers are read: a panic there, which
// is a defect of ours that some broker's bytes have found, fails what was being done
// and nothing else.
type guard struct {
	log      *zap.Logger
	observer Observer
}

// contain calls do, and returns a panic in it as an error.
func (g guard) contain(where string, do func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			g.observer.Panicked(where)
			g.log.Error("panic in the Kafka client", zap.String("where", where), zap.Any("panic", p), zap.Stack("stack"))
			// Nobody knows what the text of a panic contains.
			err = &fault.Error{
				Kind: fault.Internal, Op: where, Err: errPanic,
				Remedy: "look for \"panic in the Kafka client\" in the log and report it",
			}
		}
	}()
	do()
	return nil
}

// start calls do in a goroutine of the group.
func (g guard) start(group *sync.WaitGroup, where string, do func()) {
	group.Go(func() { _ = g.contain(where, do) })
}

// inParallel calls do for every item, from at most workers goroutines at a time,
// and returns when all calls have.
func inParallel[T any](g guard, where string, workers int, items []T, do func(T)) {
	work := make(chan T)
	var working sync.WaitGroup
	for range min(workers, len(items)) {
		g.start(&working, where, func() {
			for item := range work {
				_ = g.contain(where, func() { do(item) })
			}
		})
	}
	for _, item := range items {
		work <- item
	}
	close(work)
	working.Wait()
}

var errPanic = errors.New("a defect of kafka-scaler")
