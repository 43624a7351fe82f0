package hostile

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// samples is how many texts of each sort are kept.
const samples = 20

// notes are what everybody notes, from many goroutines.
type notes struct {
	mu sync.Mutex
	// alone is set while nobody attacks: latencies of then count apart.
	alone     bool
	latencies map[string]map[string][]time.Duration
	codes     map[string]map[string]int
	texts     map[string][]string
	lies      texts
	silences  texts
	troubles  texts
	raw       texts
}

// texts counts and keeps the first few.
type texts struct {
	Count   int      `json:"count"`
	Samples []string `json:"samples,omitempty"`
}

func (t *texts) add(text string) {
	t.Count++
	if len(t.Samples) < samples {
		t.Samples = append(t.Samples, text)
	}
}

func newNotes() *notes {
	return &notes{alone: true, latencies: map[string]map[string][]time.Duration{}, codes: map[string]map[string]int{}, texts: map[string][]string{}}
}

// timed makes a call and notes how long it took, answered or not.
func timed[T any](n *notes, who, method string, call func() (T, error)) (T, error) {
	began := time.Now()
	answer, err := call()
	if err == nil {
		n.took(who, method, time.Since(began))
		n.count(who, codes.OK)
	}
	return answer, err
}

// attacked notes whether latencies are those under attack.
func (n *notes) attacked(yes bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alone = !yes
}

func (n *notes) took(who, method string, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.alone {
		who += ", alone"
	}
	if n.latencies[who] == nil {
		n.latencies[who] = map[string][]time.Duration{}
	}
	n.latencies[who][method] = append(n.latencies[who][method], d)
}

func (n *notes) count(who string, code codes.Code) { n.fail(who, "", code) }

// fail counts a call by its code, and keeps the text of the first few.
func (n *notes) fail(who, text string, code codes.Code) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.codes[who] == nil {
		n.codes[who] = map[string]int{}
	}
	n.codes[who][code.String()]++
	key := who + " " + code.String()
	if text != "" && len(n.texts[key]) < 3 && !slices.Contains(n.texts[key], text) {
		n.texts[key] = append(n.texts[key], shorten(text))
	}
}

// attack counts what one call of an attack came to.
func (n *notes) attack(kind string, err error) {
	text := ""
	if err != nil {
		text = status.Convert(err).Message()
	}
	n.fail(kind, text, status.Code(err))
}

// lie notes an answer that is not true: the worst that can happen.
func (n *notes) lie(format string, args ...any) { n.add(&n.lies, format, args...) }

// silent notes a stream that has not said what it had to.
func (n *notes) silent(format string, args ...any) { n.add(&n.silences, format, args...) }

// trouble notes what went wrong on the side of the test.
func (n *notes) trouble(format string, args ...any) { n.add(&n.troubles, format, args...) }

// unprintable notes an error that would do something to a terminal.
func (n *notes) unprintable(format string, args ...any) { n.add(&n.raw, format, args...) }

func (n *notes) add(to *texts, format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	to.add(time.Now().Format("15:04:05 ") + shorten(fmt.Sprintf(format, args...)))
}

func shorten(text string) string {
	const most = 400
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

// Latency is how long one method's answers took.
type Latency struct {
	Calls int           `json:"calls"`
	P50   time.Duration `json:"p50"`
	P99   time.Duration `json:"p99"`
	P999  time.Duration `json:"p999"`
	Max   time.Duration `json:"max"`
}

func latencyOf(all []time.Duration) Latency {
	if len(all) == 0 {
		return Latency{}
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(q float64) time.Duration { return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))] }
	return Latency{Calls: len(sorted), P50: at(0.5), P99: at(0.99), P999: at(0.999), Max: sorted[len(sorted)-1]}
}

func cloned(all map[string]map[string]int) map[string]map[string]int {
	out := map[string]map[string]int{}
	for k, v := range all {
		out[k] = maps.Clone(v)
	}
	return out
}
