package arrivals

import (
	"maps"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

const (
	// mostReady is how many spans wait for whoever takes them, before the reading waits.
	mostReady = 256
	// What fails is tried again after pauses that grow from firstRetry to longestRetry.
	firstRetry   = time.Second
	longestRetry = 30 * time.Second
)

// Reading is how many records came to some partitions together, as it is read in the background. Its methods may be called
// from any goroutine.
type Reading struct {
	partitions []lag.TopicPartition
	reader     *Reader

	mu sync.Mutex
	// ready are the spans to be taken.
	ready  []latency.Arrivals
	closed bool // nobody takes them any more
	ended  bool // no more will come
	err    error

	course
}

// course is how far a reading has come. Only the reader's goroutine uses it.
type course struct {
	// starts and ends are where the logs begin and end; ends is nil before they are known.
	starts, ends offsets
	// began is the first time that was asked about, next that which is asked about now, and later the one before with
	// what was found for it.
	began, next, later time.Time
	found              offsets
	// held are the spans of a block that has not ended.
	held []latency.Arrivals
	// failures in a row; the next try is not before retry.
	failures int
	retry    time.Time
}

// Take returns what has been read since it was called last, newest first, for [latency.Planner.Recall]. more is false
// when nothing will follow: because it is done, or retention has removed what was before, or for the reason in Err.
func (g *Reading) Take() (spans []latency.Arrivals, more bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	spans, g.ready = g.ready, nil
	if len(spans) >= mostReady {
		g.reader.signal()
	}
	return spans, !g.ended
}

// Err is why the reading ended before its time, a *fault.Error; nil where it has not. What is older than what was taken
// then is not known.
func (g *Reading) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// Close ends the reading, if it has not ended. It must be called once its taker is gone.
func (g *Reading) Close() {
	g.mu.Lock()
	g.closed, g.ready = true, nil
	g.mu.Unlock()
	g.reader.drop(g)
}

// open reports whether there is anything to ask for at a time: the logs' ends, or the next time.
func (g *Reading) open(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.ended && !g.closed && len(g.ready) < mostReady && !now.Before(g.retry)
}

func (g *Reading) over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ended || g.closed
}

// begin takes in where the logs begin and end.
func (g *Reading) begin(now time.Time, starts, ends offsets) {
	g.starts, g.ends, g.found = g.own(starts), g.own(ends), nil
	g.began = newest(now)
	g.next = g.began
	g.failures = 0
}

// own are the offsets of the reading's own partitions.
func (g *Reading) own(all offsets) offsets {
	own := make(offsets, len(g.partitions))
	for _, tp := range g.partitions {
		own[tp] = all[tp]
	}
	return own
}

// take takes in where the logs had got to at the time that was asked about.
func (g *Reading) take(all offsets) {
	g.failures = 0
	at, after := g.own(all), g.found
	if after == nil {
		after = g.ends
	}
	at.notAfter(after)
	if removed(g.partitions, at, g.starts, g.ends) {
		g.end(nil)
		return
	}
	if g.found != nil {
		g.span(at)
	}
	next, more := earlier(g.began, g.next)
	if !more || maps.Equal(at, g.starts) { // before the first records there is nothing to ask for
		g.end(nil)
		return
	}
	g.later, g.found, g.next = g.next, at, next
}

// span adds what came between two times.
func (g *Reading) span(at offsets) {
	s := latency.Arrivals{Start: g.next, End: g.later}
	for tp, offset := range g.found {
		s.Records += offset - at[tp]
	}
	if n := len(g.held); n > 0 && !blockOf(g.held[n-1].End).Equal(blockOf(s.End)) {
		g.hand()
	}
	g.held = append(g.held, s)
}

// hand makes what is held ready to be taken.
func (g *Reading) hand() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.ready = append(g.ready, g.held...)
	}
	g.held = g.held[:0]
}

// fail takes in that the partitions could not be read. What may pass is tried again.
func (g *Reading) fail(now time.Time, err error) {
	switch fault.KindOf(err) {
	case fault.Denied, fault.Invalid, fault.Internal:
		g.end(err)
		return
	}
	g.retry = now.Add(min(firstRetry<<min(g.failures, 10), longestRetry))
	g.failures++
}

// end gives away what there is, and lets go of all else.
func (g *Reading) end(err error) {
	g.hand()
	g.course = course{}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended, g.err = true, err
}
