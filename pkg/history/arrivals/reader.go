package arrivals

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Bounds of a [Reader].
const (
	// mostReadings and mostPartitions are how many may wait for their turn.
	mostReadings   = 20_000
	mostPartitions = 500_000
	// atOnce is how many partitions are read at a time, in one round of requests. A single reading may have more.
	atOnce = 2000
	// nothingToDo is how long the reader rests where no reading can go on.
	nothingToDo = time.Second
	// leastRest is left to others after each round, however long that took.
	leastRest = pause / 5
)

// Options are what a [Reader] can be given.
type Options struct {
	// Panicked is told of every panic, and of what it ended. It may be nil.
	Panicked func(where string)
}

// Reader reads arrivals of one cluster in the background: one round of requests at a time, at most 20 a second, each for
// as many readings as fit in. Its methods may be called from any goroutine.
type Reader struct {
	source Source
	opts   Options
	wake   chan struct{}

	mu sync.Mutex
	// queue are the readings that have not ended. Those that are being read come first.
	queue []*Reading
	// partitions is how many these have together.
	partitions int
	ended      bool
}

// NewReader returns a reader that does nothing before [Reader.Run].
func NewReader(source Source, o Options) *Reader {
	if o.Panicked == nil {
		o.Panicked = func(string) {}
	}
	return &Reader{source: source, opts: o, wake: make(chan struct{}, 1)}
}

// Read begins to read what came to the partitions, each named once, in the last seven days, newest first: in steps of 15
// seconds for an hour, of 5 minutes for 26 hours, and of half an hour before. It waits for its turn.
func (r *Reader) Read(partitions []lag.TopicPartition) *Reading {
	g := &Reading{reader: r, partitions: slices.Clone(partitions)}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ended:
		g.end(errEnded())
	case len(partitions) == 0:
		g.end(nil)
	case len(r.queue) >= mostReadings || r.partitions+len(partitions) > mostPartitions:
		g.end(&fault.Error{
			Kind: fault.Exhausted, Op: "read", Object: "the arrivals of the past",
			Err:    fmt.Errorf("those of %d triggers, with %d partitions, are waited for already", len(r.queue), r.partitions),
			Remedy: "nothing; what arrives is learned as it comes",
		})
	default:
		r.queue = append(r.queue, g)
		r.partitions += len(partitions)
		r.signal()
	}
	return g
}

func errEnded() error {
	return &fault.Error{
		Kind: fault.Unavailable, Op: "read", Object: "the arrivals of the past",
		Err: errors.New("the cluster is no longer watched"), Remedy: "ask again",
	}
}

func (r *Reader) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run reads until ctx ends. It must be called once.
func (r *Reader) Run(ctx context.Context) {
	defer r.leave()
	for ctx.Err() == nil {
		began := time.Now()
		asked := r.round(ctx, began)
		if asked == 0 {
			r.rest(ctx)
			continue
		}
		// A reading with very many partitions takes several requests a broker.
		due := began.Add(time.Duration((asked+atOnce-1)/atOnce) * pause)
		pace.Sleep(ctx, max(time.Until(due), leastRest))
	}
}

// rest waits for something to do.
func (r *Reader) rest(ctx context.Context) {
	timer := time.NewTimer(nothingToDo)
	defer timer.Stop()
	var later <-chan time.Time
	r.mu.Lock()
	if len(r.queue) > 0 {
		later = timer.C
	}
	r.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-r.wake:
	case <-later:
	}
}

// round asks once for some of the readings, and returns for how many partitions.
func (r *Reader) round(ctx context.Context, now time.Time) (asked int) {
	readings := r.turn(now)
	if len(readings) == 0 {
		return 0
	}
	well := false
	defer func() {
		if well {
			return
		}
		_ = recover()
		r.opts.Panicked("history of arrivals")
		for _, g := range readings {
			g.end(&fault.Error{Kind: fault.Internal, Op: "read", Object: "the arrivals of the past", Err: errors.New("a defect of kafka-scaler: it panicked"), Remedy: "report it"})
		}
	}()
	if readings[0].ends == nil {
		asked = r.begin(ctx, now, readings)
	} else {
		asked = r.goOn(ctx, now, readings)
	}
	well = true
	return asked
}

// turn returns the readings whose turn it is: some that begin, or else some that go on.
func (r *Reader) turn(now time.Time) []*Reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tidy()
	var begin, going []*Reading
	partitions := 0
	for _, g := range r.queue {
		if !g.open(now) {
			continue
		}
		if partitions += len(g.partitions); partitions > atOnce && partitions > len(g.partitions) {
			break
		}
		if g.ends == nil {
			begin = append(begin, g)
		} else {
			going = append(going, g)
		}
	}
	if len(begin) > 0 {
		return begin
	}
	return going
}

// tidy drops the readings that have ended. The caller holds mu.
func (r *Reader) tidy() {
	r.queue = slices.DeleteFunc(r.queue, func(g *Reading) bool {
		over := g.over()
		if over {
			r.partitions -= len(g.partitions)
		}
		return over
	})
}

// drop forgets a reading.
func (r *Reader) drop(g *Reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.queue, g); i >= 0 {
		r.queue = slices.Delete(r.queue, i, i+1)
		r.partitions -= len(g.partitions)
	}
}

// begin asks where the logs begin and end.
func (r *Reader) begin(ctx context.Context, now time.Time, readings []*Reading) int {
	var partitions []lag.TopicPartition
	for _, g := range readings {
		partitions = append(partitions, g.partitions...)
	}
	starts := positions(ctx, r.source, lag.Start, partitions)
	if wait(ctx) != nil {
		return len(partitions)
	}
	ends := positions(ctx, r.source, lag.End, partitions)
	if ctx.Err() != nil {
		return len(partitions)
	}
	for _, g := range readings {
		err := starts.problem(g.partitions)
		if err == nil {
			err = ends.problem(g.partitions)
		}
		if err != nil {
			g.fail(now, err)
			continue
		}
		g.begin(now, starts.found, ends.found)
	}
	return len(partitions)
}

// goOn asks each reading's logs about its next time. A partition can be asked about one time in a request, so where two
// readings are about the same one at different times, one of them has to wait for the next round.
func (r *Reader) goOn(ctx context.Context, now time.Time, readings []*Reading) int {
	times := map[lag.TopicPartition]int64{}
	var asking, waiting []*Reading
	for _, g := range readings {
		at := g.next.UnixMilli()
		if slices.ContainsFunc(g.partitions, func(tp lag.TopicPartition) bool { t, taken := times[tp]; return taken && t != at }) {
			waiting = append(waiting, g)
			continue
		}
		asking = append(asking, g)
		for _, tp := range g.partitions {
			times[tp] = at
		}
	}
	found := atTimes(ctx, r.source, times)
	if ctx.Err() != nil {
		return len(times)
	}
	for _, g := range asking {
		if err := found.problem(g.partitions); err != nil {
			g.fail(now, err)
		} else {
			g.take(found.found)
		}
	}
	r.first(waiting)
	return len(times)
}

// first lets those who had to wait go first.
func (r *Reader) first(waiting []*Reading) {
	if len(waiting) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(r.queue), func(g *Reading) bool { return slices.Contains(waiting, g) })
	r.queue = append(slices.Clone(waiting), rest...)
}

// leave ends all readings.
func (r *Reader) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	for _, g := range r.queue {
		if !g.over() {
			g.end(errEnded())
		}
	}
	r.queue, r.partitions = nil, 0
}
