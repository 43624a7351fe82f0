package collector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// sleepers is a cluster whose brokers show, with the end of a wait, what is new, up to so many offsets.
type sleepers struct {
	*waitingCluster
	logs  *library
	shown int64
}

func (s *sleepers) Inspect(ctx context.Context, readCommitted bool, looks []lag.Look, deliver func([]lag.Sight)) {
	s.logs.Inspect(ctx, readCommitted, looks, deliver)
}

func (s *sleepers) AwaitRecords(ctx context.Context, leader int32, at lag.Position, from []lag.LogWait, most time.Duration) ([]lag.LogWake, error) {
	wakes, err := s.waitingCluster.AwaitRecords(ctx, leader, at, from, most)
	for i := range wakes {
		w := &wakes[i]
		for _, f := range from {
			if f.TopicPartition == w.TopicPartition && w.Reason == lag.WakeGrown {
				w.From = f.Offset
				w.Seen = s.logs.look(lag.Look{TopicPartition: f.TopicPartition, From: f.Offset, To: min(w.End, f.Offset+s.shown)}, at == lag.StableEnd)
				w.Seen.Taken = s.shown > 0
				w.Seen.Empty = w.Seen.Empty && w.Seen.Clear == w.End
			}
		}
	}
	return wakes, err
}

// inOneSleep opens a stream of a group that sleeps at 100, where a marker lies; offsets from 100 on are markers,
// but for 105.
func inOneSleep(t *testing.T, shown int64, opts Options) (*sleepers, *Collector, *stream) {
	t.Helper()
	s := &sleepers{waitingCluster: newWaitingCluster(1), shown: shown}
	s.topic("orders", 1, 100).commit("billing", "orders", 100)
	s.logs = newLibrary(0, 0)
	c := start(t, s, opts)
	stream := openStream(t, c, inspecting("billing", "orders"), 0)
	pass(store.QuietFor + time.Second)
	stream.wantInactive(t)
	return s, c, stream
}

func TestMarkersDoNotWake(t *testing.T) {
	for name, c := range map[string]struct {
		shown, sees int64
		looks       int
	}{
		"seen on the way":                   {100, 0, 0},
		"the beginning was seen":            {1, 0, 2},
		"a look sees no more of it at once": {1, 1, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c2, stream := inOneSleep(t, c.shown, pushed)
				s.logs.looked.Lock()
				s.logs.sees = c.sees
				s.logs.looked.Unlock()
				for range 2 {
					s.produce("orders", 0, 2)
					pass(2 * time.Second)
					stream.wantInactive(t)
				}
				if n := s.logs.taken(); n != c.looks {
					t.Errorf("%d looks, want %d", n, c.looks)
				}
				if r := lagOf(t, c2, inspecting("billing", "orders")); r.Total != 0 || r.Phantom != 4 {
					t.Errorf("lag %d, %d left out; want all 4 of them", r.Total, r.Phantom)
				}
				if got := s.awaited("orders", 0); got[0] != 104 {
					t.Errorf("waited on at %v, want 104", got)
				}
				produced := time.Now()
				s.produce("orders", 0, 2)
				pass(300 * time.Millisecond)
				if took := stream.wantActive(t, produced); took > time.Millisecond && c.shown > 1 || took > 250*time.Millisecond {
					t.Errorf("woken %v after the record", took)
				}
			})
		})
	}
}

// TestDoubtsDoNotLoseARecord: whatever a wait has shown, a record that comes wakes.
func TestDoubtsDoNotLoseARecord(t *testing.T) {
	for name, change := range map[string]func(*sleepers){
		"nothing was shown":   func(s *sleepers) { s.shown = 0 },
		"no look is possible": func(s *sleepers) { s.shown, s.logs.denied = 1, true },
		"the look is shy":     func(s *sleepers) { s.shown, s.logs.shy = 1, 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _, stream := inOneSleep(t, 100, pushed)
				s.with(func() { change(s) })
				produced := time.Now()
				s.produce("orders", 0, 6)
				pass(1500 * time.Millisecond)
				if took := stream.wantActive(t, produced); took > DefaultInterval {
					t.Errorf("woken after %v", took)
				}
			})
		})
	}
	t.Run("another one of those who wait gets what is aborted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, c, stream := inOneSleep(t, 1, pushed)
			s.commit("audit", "orders", 100)
			other := openStream(t, c, query("audit", "orders"), 0)
			pass(time.Second)
			produced := time.Now()
			s.produce("orders", 0, 2)
			synctest.Wait()
			if took := other.wantActive(t, produced); took > time.Millisecond {
				t.Errorf("woken after %v", took)
			}
			pass(2 * time.Second)
			_ = stream
		})
	})
	t.Run("what lies before was never looked at", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, c, _ := inOneSleep(t, 100, pushed)
			s.commit("audit", "orders", 90)
			s.logs.looked.Lock()
			s.logs.shy = 1000
			s.logs.looked.Unlock()
			q := inspecting("audit", "orders")
			other := openStream(t, c, q, 10)
			pass(time.Second)
			other.wantInactive(t)
			s.produce("orders", 0, 1)
			synctest.Wait()
			if r := lagOf(t, c, q); r.Total != 11 {
				t.Errorf("lag %d, want the 10 records and the marker behind them", r.Total)
			}
		})
	})
}
