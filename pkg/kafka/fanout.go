package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// fanout is one call about many items that only their owners can answer: partitions by
// their leaders, groups by their coordinators.
//
// All owners are asked at the same time, each in requests of a bounded size. What one
// broker fails to answer is its own items and no others. Items whose owner has moved or
// is gone are asked for once more, of the new one, within the call's context. Each item
// is delivered once, with its answer or an error, as soon as that is known.
type fanout[T, A any] struct {
	client *Client
	// what is done, for the log.
	what   string
	owners owners[T]
	// once is whether nothing is asked for again.
	once bool
	// ask puts one request, hands on what is answered, and returns the rest.
	ask func(ctx context.Context, p portion[T]) []rejected[T]
	// failed turns what stays without an answer into answers with an error.
	failed func(rejected[T]) []A
	// deliver takes answers, never from two goroutines at a time.
	deliver func([]A)

	asking sync.WaitGroup
	mu     sync.Mutex // held while deliver runs
}

// owners know which broker can answer about an item.
type owners[T any] interface {
	// sort calls ask for each request that it takes, as soon as it is complete, and returns what has no owner.
	sort(ctx context.Context, items []T, ask func(portion[T])) (lost []rejected[T])
	// moved tells whether a failure may be over once the owner is looked up again.
	moved(err error) bool
	// forget drops what is remembered of the owners of items.
	forget(items []T)
	// renew gets ready for another sort of what was sorted at a time and found to have moved. It returns what is
	// worth another try, and what is not.
	renew(ctx context.Context, moved []rejected[T], sortedAt time.Time) (again []T, lost []rejected[T])
}

// portion is what one request asks one broker for.
type portion[T any] struct {
	broker *transport.Broker
	items  []T
	// epochs are the broker's, as leader of the partitions, in their order. Groups have none.
	epochs []int32
}

// rejected are items without an answer, and the reason that they share.
type rejected[T any] struct {
	items []T
	on    *transport.Broker // nil where no broker was asked
	err   error
}

// run makes the call, and fails all items where the client is closed.
func (f *fanout[T, A]) run(ctx context.Context, items []T) {
	ctx, end, err := f.client.begin(ctx)
	if err != nil {
		f.fail([]rejected[T]{{items: items, err: err}})
		return
	}
	defer end()
	f.round(ctx, items, !f.once)
	f.asking.Wait()
}

// round asks the owners of items. What fails because its owner has moved is asked for in another round, if again.
func (f *fanout[T, A]) round(ctx context.Context, items []T, again bool) {
	sortedAt := time.Now()
	lost := f.owners.sort(ctx, items, func(p portion[T]) {
		f.client.guard.Start(&f.asking, f.what, func() { f.settle(ctx, f.ask(ctx, p), sortedAt, again) })
	})
	f.settle(ctx, lost, sortedAt, again)
}

// settle fails what was rejected, or starts another round for it.
func (f *fanout[T, A]) settle(ctx context.Context, all []rejected[T], sortedAt time.Time, again bool) {
	var moved, failed []rejected[T]
	for _, r := range all {
		curable := f.owners.moved(r.err)
		if curable {
			f.owners.forget(r.items)
		}
		if curable && again && ctx.Err() == nil {
			moved = append(moved, r)
		} else {
			failed = append(failed, r)
		}
	}
	f.fail(failed)
	if len(moved) == 0 {
		return
	}
	f.client.guard.Start(&f.asking, f.what, func() {
		f.client.log.Debug("brokers have moved", zap.String("during", f.what), zap.Int("items", len(moved[0].items)), zap.Error(moved[0].err))
		items, lost := f.owners.renew(ctx, moved, sortedAt)
		f.fail(lost)
		if len(items) > 0 {
			f.round(ctx, items, false)
		}
	})
}

func (f *fanout[T, A]) fail(all []rejected[T]) {
	for _, r := range all {
		f.hand(f.failed(r))
	}
}

// hand delivers answers.
func (f *fanout[T, A]) hand(answers []A) {
	if len(answers) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deliver(answers)
}

// rejects gathers what a broker rejects, by the reason.
type rejects[T any] struct {
	on    *transport.Broker
	all   []rejected[T]
	index map[any]int
}

func (l *rejects[T]) add(err error, items ...T) {
	key := reasonOf(err)
	i, known := l.index[key]
	if !known {
		if l.index == nil {
			l.index = map[any]int{}
		}
		i = len(l.all)
		l.index[key] = i
		l.all = append(l.all, rejected[T]{on: l.on, err: err})
	}
	l.all[i].items = append(l.all[i].items, items...)
}

// reasonOf is equal for errors that are the same reason: the same error code in an
// answer or in metadata, any end of a connection, or else the very same error.
func reasonOf(err error) any {
	type code struct {
		code   wire.Code
		routed bool
	}
	type connection struct{}
	if c, ok := errors.AsType[wire.Code](err); ok {
		_, routed := errors.AsType[routeError](err)
		return code{c, routed}
	}
	if _, ok := errors.AsType[*transport.ConnError](err); ok {
		return connection{}
	}
	return err
}

// itemsOf are those of all that was rejected.
func itemsOf[T any](all []rejected[T]) (items []T) {
	for _, r := range all {
		items = append(items, r.items...)
	}
	return items
}
