package latency

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCodesAreExactEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.OneOf(rapid.Float64Range(0, 10), rapid.Float64Range(0, mostRate)).Draw(t, "rate")
		if got := encode(rate).rate(); math.Abs(got-rate) > 0.0004*(rate+1) {
			t.Fatalf("%v comes back as %v", rate, got)
		}
	})
}

// However the observations are spaced, a step's rate is what came in it; before 1970 too.
func TestHistoryKeepsRates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRing(15, 20)
		at := float64(rapid.IntRange(-1000, 1000).Draw(t, "start"))
		rate := func(second float64) float64 { return 100 + 50*math.Floor(second/15) - 50*math.Floor(at/15) }
		began, from := at, at
		for from < began+600 {
			to := from + float64(rapid.IntRange(1, 15).Draw(t, "span"))
			// Spans end at the ends of steps, so that no rate is spread over two.
			to = min(to, (math.Floor(from/15)+1)*15)
			r.add(from, to, rate(from)*(to-from))
			from = to
		}
		for number := r.newest; number > r.newest-20; number-- {
			got, known := r.at(number)
			if want := rate(float64(number) * 15); !known || math.Abs(got-want) > 0.001*want {
				t.Fatalf("step %d: %v %v, want %v", number, got, known, want)
			}
		}
		if _, known := r.at(r.newest + 1); known {
			t.Fatal("a step that has not ended is known")
		}
		if _, known := r.at(r.newest - 20); known {
			t.Fatal("a step that has left the ring is known")
		}
	})
}

// A planner that reads the log knows what one knows that was there, whatever comes first.
func TestRecallIsAsGoodAsHavingSeen(t *testing.T) {
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	rate := func(i int) int64 { return int64(1000 + 10*(i%100)) }
	seen, recalled, late := newHistory(), newHistory(), newHistory()
	var spans []Arrivals
	const steps = 480
	for i := range steps {
		from := began.Add(time.Duration(i) * Interval)
		spans = append(spans, Arrivals{from, from.Add(Interval), rate(i)})
		seen.add(seconds(from), seconds(from.Add(Interval)), float64(rate(i)))
	}
	recalled.recall(spans)
	// The newest half has been observed before the log is read.
	for i := steps / 2; i < steps; i++ {
		from := began.Add(time.Duration(i) * Interval)
		late.add(seconds(from), seconds(from.Add(Interval)), float64(rate(i)))
	}
	late.recall(spans)
	for name, h := range map[string]*history{"recalled": &recalled, "late": &late} {
		for back := range int64(fineSteps) {
			want, _ := seen.fine.at(seen.fine.newest - back)
			if got, known := h.fine.at(seen.fine.newest - back); !known || math.Abs(got-want) > 0.002*want {
				t.Fatalf("%s, %d steps back: %v %v, want %v", name, back, got, known, want)
			}
		}
		for back := range int64(20) {
			want, _ := seen.middle.at(seen.middle.newest - back)
			if got, known := h.middle.at(seen.middle.newest - back); !known || math.Abs(got-want) > 0.002*want {
				t.Fatalf("%s, %d middle steps back: %v %v, want %v", name, back, got, known, want)
			}
		}
	}
}

// No time and no number makes it panic or keeps it busy.
func TestHistoryBearsAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory()
		moment := func() time.Time {
			return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "at"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanos"))
		}
		for range rapid.IntRange(1, 6).Draw(t, "calls") {
			a, b := moment(), moment()
			if rapid.Bool().Draw(t, "recall") {
				h.recall([]Arrivals{{a, b, rapid.Int64().Draw(t, "records")}})
			} else {
				h.add(seconds(a), seconds(b), float64(rapid.Int64().Draw(t, "records")))
			}
		}
		var past lastHour
		past.read(&h)
		h.lookAhead(&past, highQuantile)
	})
}
