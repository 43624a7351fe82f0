package collector

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// library is a cluster whose logs can be looked into: real says which offsets hold a record.
type library struct {
	*cluster
	real func(tp lag.TopicPartition, offset int64, readCommitted bool) bool
	// denied makes it refuse, and shy makes it show nothing so many times.
	denied bool
	shy    int
	// sees is how many offsets it shows at a time; 0 for all.
	sees int64

	looked sync.Mutex
	looks  []lag.Look
}

func (l *library) Inspect(_ context.Context, readCommitted bool, looks []lag.Look, deliver func([]lag.Sight)) {
	l.looked.Lock()
	defer l.looked.Unlock()
	l.looks = append(l.looks, looks...)
	sights := make([]lag.Sight, len(looks))
	for i, look := range looks {
		s := &sights[i]
		s.TopicPartition, s.Clear = look.TopicPartition, look.From
		if l.denied {
			s.Err = &fault.Error{Kind: fault.Denied, Op: "look into the log of", Object: look.Topic}
			continue
		}
		if l.shy > 0 {
			l.shy--
			continue
		}
		part := look
		if l.sees > 0 {
			part.To = min(look.To, look.From+l.sees)
		}
		*s = l.look(part, readCommitted)
		s.Empty = s.Empty && s.Clear == look.To
	}
	deliver(sights)
}

func (l *library) look(look lag.Look, readCommitted bool) lag.Sight {
	s := lag.Sight{TopicPartition: look.TopicPartition, Clear: look.From, Taken: true}
	for s.Clear < look.To && !l.real(look.TopicPartition, s.Clear, readCommitted) {
		s.Clear++
	}
	s.Record = s.Clear < look.To
	s.Empty = !s.Record
	return s
}

// taken is how many looks were taken.
func (l *library) taken() int {
	l.looked.Lock()
	defer l.looked.Unlock()
	return len(l.looks)
}

// inspecting is a query whose small lags are looked into.
func inspecting(group string, topics ...string) *Query {
	return NewQuery(trigger.Selection{ConsumerGroup: group, Topics: topics, Inspect: true}, 10*time.Second)
}

// lagOf computes the lag of the newest snapshot.
func lagOf(t *testing.T, c *Collector, q *Query) lag.Report {
	t.Helper()
	r := lag.Compute(lag.Rules{ResetPolicy: lag.Latest, MaxAge: time.Minute, ReadCommitted: q.ReadCommitted}, snapshot(t, c, q).Offsets, time.Now())
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r
}

// soon polls until the lag is so.
func soon(t *testing.T, c *Collector, q *Query, want int64, reason lag.Reason) {
	t.Helper()
	var r lag.Report
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if r = lagOf(t, c, q); r.Total == want && r.Partitions[0].Reason == reason {
			return
		}
	}
	t.Fatalf("lag %d, %s; want %d, %s", r.Total, r.Partitions[0].Reason, want, reason)
}

// Offsets from 100 on are markers, but for 105.
func newLibrary(end, committed int64) *library {
	return &library{
		cluster: newCluster(1).topic("orders", 1, end).commit("billing", "orders", committed),
		real:    func(_ lag.TopicPartition, offset int64, _ bool) bool { return offset < 100 || offset == 105 },
	}
}

func TestPhantomLagOfASleepingGroup(t *testing.T) {
	source := newLibrary(101, 100)
	var seen [2]atomic.Int64
	counted := Observer{Probed: func(s ProbeStats) {
		seen[0].Add(int64(s.Empty))
		seen[1].Add(int64(s.Records + s.Unclear + s.Failed))
	}}
	c := start(t, source, Options{Interval: 10 * time.Millisecond, Observer: counted})
	q := inspecting("billing", "orders")
	// The very first answer must not wake the workload.
	if r := lagOf(t, c, q); r.Total != 0 || r.Partitions[0].Reason != lag.ReasonPhantom {
		t.Errorf("first answer: lag %d, %s", r.Total, r.Partitions[0].Reason)
	}
	if n := source.taken(); n != 1 {
		t.Errorf("%d looks before the first answer", n)
	}
	source.topic("orders", 1, 103)
	for deadline := time.Now().Add(10 * time.Second); source.taken() < 2 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	soon(t, c, q, 0, lag.ReasonPhantom)
	if empty, other := seen[0].Load(), seen[1].Load(); empty != 2 || other != 0 {
		t.Errorf("%d looks were told of as empty, %d as others", empty, other)
	}
	if n := source.taken(); n != 2 || source.looks[1].From != 101 {
		t.Errorf("looks %v: want a second one at what is new", source.looks)
	}
	source.topic("orders", 1, 108)
	soon(t, c, q, 8, lag.ReasonLagging)
	source.topic("orders", 1, 200)
	soon(t, c, q, 100, lag.ReasonLagging)
	time.Sleep(50 * time.Millisecond)
	if n := source.taken(); n > 3 {
		t.Errorf("%d looks: where there is a record, there is no need to look again", n)
	}
	source.commit("billing", "orders", 106)
	soon(t, c, q, 0, lag.ReasonPhantom)
}

func TestAMovingCommitIsNotLookedInto(t *testing.T) {
	source := newLibrary(50, 10)
	c := start(t, source, Options{Interval: time.Hour})
	q := inspecting("billing", "orders")
	snapshot(t, c, q)
	first := source.taken()
	var s *sweep.Scope
	for i := range int64(10) {
		source.commit("billing", "orders", 11+i)
		s = c.live()
		c.sweeper.Sweep(context.Background(), s, time.Second)
	}
	if n := source.taken() - first; n != 0 {
		t.Errorf("%d looks at a group that works", n)
	}
	for range 10 {
		c.sweeper.Sweep(context.Background(), s, time.Second)
	}
	if n := source.taken() - first; n != 1 {
		t.Errorf("%d looks at a commit that stands still before a record, want 1", n)
	}
}

// A verdict about a topic is nothing about the next one of that name, though its offsets be the same.
func TestVerdictsEndWithTheTopic(t *testing.T) {
	source := newLibrary(101, 100)
	c := start(t, source, Options{Interval: 10 * time.Millisecond, TopicsInterval: 10 * time.Millisecond})
	q := inspecting("billing", "orders")
	soon(t, c, q, 0, lag.ReasonPhantom)
	source.looked.Lock()
	source.real = func(lag.TopicPartition, int64, bool) bool { return true }
	source.looked.Unlock()
	source.topic("orders", 2, 101)
	// The commit is the one of before too, until the group makes another one.
	soon(t, c, q, 1, lag.ReasonCommitOfEarlierLog)
	source.commit("billing", "orders", 99)
	soon(t, c, q, 2, lag.ReasonLagging)
}

func TestLooksThatFail(t *testing.T) {
	t.Run("denied", func(t *testing.T) {
		source := newLibrary(101, 100)
		source.denied = true
		c := start(t, source, Options{Interval: 5 * time.Millisecond})
		q := inspecting("billing", "orders")
		soon(t, c, q, 1, lag.ReasonLagging)
		s := snapshot(t, c, q)
		if in := s.Offsets[0].Inspected; in == nil || fault.KindOf(in.Err) != fault.Denied {
			t.Errorf("inspection %+v does not say why there is none", in)
		}
		source.topic("orders", 1, 102)
		soon(t, c, q, 2, lag.ReasonLagging)
		if n := source.taken(); n != 1 {
			t.Errorf("%d looks at a topic that must not be read, want 1", n)
		}
	})
	t.Run("not taken", func(t *testing.T) {
		source := newLibrary(101, 100)
		source.shy = 3
		c := start(t, source, Options{Interval: 5 * time.Millisecond})
		soon(t, c, inspecting("billing", "orders"), 0, lag.ReasonPhantom)
	})
}

// Two groups in one log are looked at one after the other, each with its own eyes.
func TestLooksOfTwoGroups(t *testing.T) {
	source := newLibrary(104, 100)
	source.commit("audit", "orders", 102)
	source.real = func(_ lag.TopicPartition, offset int64, readCommitted bool) bool {
		return !readCommitted && offset == 103
	}
	c := start(t, source, Options{Interval: 5 * time.Millisecond})
	committed := inspecting("billing", "orders")
	committed.ReadCommitted = true
	committed = NewQuery(committed.Selection, time.Minute)
	soon(t, c, committed, 0, lag.ReasonPhantom)
	for _, group := range []string{"billing", "audit"} {
		q := inspecting(group, "orders")
		r := lagOf(t, c, q)
		if r.Total == 0 {
			t.Errorf("%s reads what was not committed: lag 0", group)
		}
	}
	q := NewQuery(trigger.Selection{ConsumerGroup: "audit", Topics: []string{"orders"}, Inspect: true, ReadCommitted: true}, time.Minute)
	soon(t, c, q, 0, lag.ReasonPhantom)
}
