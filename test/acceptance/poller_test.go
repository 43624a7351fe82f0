//go:build realkafka

package acceptance

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// pollEvery is how often a poller asks.
const pollEvery = 50 * time.Millisecond

// sample is one evaluation as KEDA makes it.
type sample struct {
	at time.Time // when the answer was there
	outcome
	err error
}

// poller evaluates a trigger again and again, as KEDA does, and fails the test on
// every answer that the state of Kafka does not justify: a value out of the range
// allowed, an inactive trigger, an error of another code, or one that does not name
// the object and a remedy.
type poller struct {
	t        *testing.T
	name     string
	end      func()
	mu       sync.Mutex
	low, top int64
	refusals []refusal
	last     sample
	texts    map[string]int
	count    int
}

// refusal is a kind of error that a poller accepts.
type refusal struct {
	code  codes.Code
	parts []string // what the text has to contain
}

// poll starts a poller that accepts one value and no error, and returns when it has it.
func poll(ctx context.Context, t *testing.T, p *product, metadata map[string]string, value int64) *poller {
	t.Helper()
	w := pollAnything(ctx, t, p, metadata, value)
	w.awaitValue(value)
	return w
}

// pollAnything is poll without the wait: for a trigger that cannot be answered yet.
func pollAnything(ctx context.Context, t *testing.T, p *product, metadata map[string]string, value int64) *poller {
	t.Helper()
	w := &poller{t: t, name: strings.TrimSpace(metadata["cluster"] + " " + metadata["topic"]), low: value, top: value, texts: map[string]int{}}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	w.end = sync.OnceFunc(func() { cancel(); <-done; w.tell() })
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			got, err := p.evaluate(ctx, t, metadata)
			if ctx.Err() == nil {
				w.take(sample{time.Now(), got, err})
			}
			time.Sleep(pollEvery)
		}
	}()
	t.Cleanup(w.end)
	return w
}

// allow makes the values from low to top right answers, and nothing else but the errors allowed.
func (w *poller) allow(low, top int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.low, w.top = low, top
}

// allowed returns the range of right values.
func (w *poller) allowed() (low, top int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.low, w.top
}

// allowError makes an error of the code right, from now on, where its text has all parts.
func (w *poller) allowError(code codes.Code, parts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refusals = append(w.refusals, refusal{code, parts})
}

// forbidErrors takes every allowError back.
func (w *poller) forbidErrors() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refusals = nil
}

func (w *poller) take(s sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = s
	w.count++
	if s.err != nil {
		text := plain(s.err)
		w.texts[text]++
		if w.texts[text] == 1 && !slices.ContainsFunc(w.refusals, func(r refusal) bool { return r.accepts(s.err) }) {
			w.t.Errorf("%s: %v; want an error like %+v or a value", w.name, s.err, w.refusals)
		}
		return
	}
	if s.value < w.low || s.value > w.top || s.active != (s.value > 0) {
		w.t.Errorf("%s: %+v; want a value from %d to %d, or an error", w.name, s.outcome, w.low, w.top)
	}
}

// plain is an error's text without what differs each time: how old the offsets are.
func plain(err error) string {
	return regexp.MustCompile(`read [0-9.ms]+ ago`).ReplaceAllString(err.Error(), "read some time ago")
}

// accepts tells whether the error has the code and all parts, and says what to do: every fault ends in "; remedy".
func (r refusal) accepts(err error) bool {
	text := status.Convert(err).Message()
	return status.Code(err) == r.code && strings.Contains(text, "; ") &&
		!slices.ContainsFunc(r.parts, func(part string) bool { return !strings.Contains(text, part) })
}

// await returns the first sample from now on that is so.
func (w *poller) await(what string, so func(sample) bool) sample {
	w.t.Helper()
	after := time.Now()
	for deadline := after.Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		w.mu.Lock()
		last := w.last
		w.mu.Unlock()
		if last.at.After(after) && so(last) {
			return last
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.Fatalf("%s: no %s within 30 s; the last answer is %+v", w.name, what, w.last)
	return sample{}
}

func (w *poller) awaitValue(value int64) sample {
	w.t.Helper()
	return w.await(fmt.Sprintf("value %d", value), func(s sample) bool { return s.err == nil && s.value == value })
}

func (w *poller) awaitError(code codes.Code) sample {
	w.t.Helper()
	return w.await(code.String(), func(s sample) bool { return status.Code(s.err) == code })
}

// reaches waits for the value, and fails the test where it comes later than
// recovery after wellAt. Only it and what was right before may be answered meanwhile.
func (w *poller) reaches(value int64, wellAt time.Time) {
	w.t.Helper()
	late := w.awaitValue(value).at.Sub(wellAt)
	w.t.Logf("%s: %d was answered %v after Kafka was well", w.name, value, late.Round(time.Millisecond))
	if late > recovery {
		w.t.Errorf("%s: %d was answered %v after Kafka was well; want within %v", w.name, value, late, recovery)
	}
	w.allow(value, value)
}

// tell logs what the poller has seen.
func (w *poller) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	failed := 0
	for _, text := range slices.Sorted(maps.Keys(w.texts)) {
		failed += w.texts[text]
	}
	w.t.Logf("%s: %d answers, %d of them errors", w.name, w.count, failed)
	for i, text := range slices.Sorted(maps.Keys(w.texts)) {
		if i == 3 {
			w.t.Logf("... and %d other texts", len(w.texts)-i)
			break
		}
		w.t.Logf("%d x %s", w.texts[text], text)
	}
}
