package latency

import (
	"testing"
	"time"
)

// What came while a log was made again, or partitions became others, is not known, and that is no zero.
func TestResetsAreNoLull(t *testing.T) {
	for name, reset := range map[string]func(o *Observation, base *int64){
		"log made again":   func(_ *Observation, base *int64) { *base = 0 },
		"other partitions": func(o *Observation, _ *int64) { o.Layout++ },
	} {
		f := newFlow()
		at := time.Unix(1_700_000_010, 0).Truncate(Interval)
		o := Observation{State: Stable, Members: 1, Partitions: make([]Partition, 2)}
		base, came := int64(1_000_000), int64(0)
		for i := range 120 {
			came += 50
			if i == 61 || i == 62 {
				reset(&o, &base)
			}
			o.At = at.Add(time.Duration(i) * 5 * time.Second)
			for p := range o.Partitions {
				o.Partitions[p] = Partition{ID: int32(p), Owner: NoOwner, LogEnd: came, Committed: came}
			}
			o.Partitions[1].LogEnd += base
			f.take(&o)
		}
		for back := range int64(38) {
			if rate, known := f.history.fine.at(f.history.fine.newest - back); known && (rate < 19.9 || rate > 20.1) {
				t.Errorf("%s: %.1f records a second, %d steps back, want 20 or that it is not known", name, rate, back)
			}
		}
		if _, known := f.history.fine.at(f.history.fine.newest); !known {
			t.Errorf("%s: nothing is known afterwards", name)
		}
	}
}
