package scaledobject

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/arrivals"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/members"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// workload is a cluster whose one group has members that consume all that comes, as long as they are enough.
type workload struct {
	Snapshots
	members *members.Watch
	past    *arrivals.Reader

	mu         sync.Mutex
	partitions int
	// rate is how many records a second come to each partition, and have how many members there are.
	rate, have int64
	end        int64
	lagging    int64
	broken     error
	snapshot   *collector.Snapshot
}

func newWorkload(partitions int, rate, have int64) *workload {
	w := &workload{partitions: partitions, rate: rate, have: have, past: arrivals.NewReader(nil, arrivals.Options{})}
	w.members = members.New(w, members.Options{})
	w.pass()
	return w
}

func (w *workload) Resolve(string, trigger.Connection) (Snapshots, error) { return w, nil }

func (w *workload) Snapshot(context.Context, *collector.Query) (*collector.Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snapshot, w.broken
}

func (w *workload) Peek(ctx context.Context, q *collector.Query) (*collector.Snapshot, error) {
	return w.Snapshot(ctx, q)
}

func (w *workload) FollowMembers(group string) *members.Follower { return w.members.Follow(group) }

func (w *workload) ReadArrivals(p []lag.TopicPartition) *arrivals.Reading { return w.past.Read(p) }

// Memberships implements members.Source.
func (w *workload) Memberships(_ context.Context, groups []lag.Group, deliver func([]*lag.Membership)) {
	w.mu.Lock()
	have := int(w.have)
	w.mu.Unlock()
	list := make([]lag.Member, have)
	for i := range list {
		list[i] = lag.Member{ID: string(rune('a' + i)), Subscribed: []string{"orders"}, SubscriptionKnown: true}
		t := lag.TopicPartitions{Topic: "orders"}
		for p := i; p < w.partitions; p += have {
			t.Partitions = append(t.Partitions, int32(p))
		}
		list[i].Assigned = []lag.TopicPartitions{t}
	}
	state := "Stable"
	if have == 0 {
		state = "Empty"
	}
	for _, g := range groups {
		deliver([]*lag.Membership{lag.NewMembership(lag.Group{Name: g.Name, Kind: lag.KindClassic, State: state, Members: have}, list, 0, time.Now())})
	}
}

// pass publishes what a second has brought.
func (w *workload) pass() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end += w.rate
	now := time.Now()
	s := &collector.Snapshot{ObservedAt: now, Group: lag.Group{Name: "billing"}}
	for i := range w.partitions {
		s.Offsets = append(s.Offsets, lag.Offsets{
			TopicPartition: lag.TopicPartition{Topic: "orders", Partition: int32(i)},
			Committed:      max(0, w.end-w.lagging), LogEnd: w.end, ObservedAt: now,
		})
	}
	w.snapshot = s
}

func (w *workload) change(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

// planned is a trigger of a workload, whose planner runs.
type planned struct {
	t *testing.T
	*workload
	v *Evaluator
	r *Registry
	e *Entry

	seen *seen
}

// told returns what the observer was told of the planner since it was asked last.
func (p *planned) told() []latency.Decision {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	defer func() { p.seen.planned = nil }()
	return p.seen.planned
}

func plan30s(t *testing.T, w *workload, pairs ...string) *planned {
	ctx, stop := context.WithCancel(t.Context())
	p := &planned{t: t, workload: w, v: NewEvaluator(w, uncontained), seen: &seen{}}
	p.r = newTestRegistry(p.seen)
	p.e = p.r.Get(ref("worker", append([]string{"lagThreshold", "", "targetLatency", "30s", "serviceRate", "40"}, pairs...)...))
	if p.e.err != nil {
		t.Fatal(p.e.err)
	}
	var running sync.WaitGroup
	running.Go(func() { w.members.Run(ctx) })
	running.Go(func() { p.v.Plan(ctx, p.r) })
	t.Cleanup(func() { stop(); running.Wait() })
	return p
}

// after lets time pass, with so many calls of KEDA a second.
func (p *planned) after(d time.Duration, calls int) {
	for range int(d / time.Second) {
		p.pass()
		for range calls {
			_, _ = p.v.Measure(p.t.Context(), p.e)
			_, _ = p.v.Activity(p.t.Context(), p.e)
		}
		time.Sleep(time.Second)
	}
}

func (p *planned) measure() policy.Decision {
	p.t.Helper()
	ev, err := p.v.Measure(p.t.Context(), p.e)
	if err != nil {
		p.t.Fatal(err)
	}
	return ev.Decision
}

// TestTargetLatency: the metric is the number of replicas that the planner wants, however often KEDA asks; in the first
// minute, and where something is not known, it is an error.
func TestTargetLatency(t *testing.T) {
	values := map[int]int64{}
	for _, calls := range []int{0, 1, 20} {
		synctest.Test(t, func(t *testing.T) {
			p := plan30s(t, newWorkload(12, 10, 2), "activationLagThreshold", "5")
			p.after(40*time.Second, calls)
			_, err := p.v.Measure(t.Context(), p.e)
			if fault.KindOf(err) != fault.Unavailable || err == nil || !strings.Contains(err.Error(), "watching for a minute first") {
				t.Errorf("in the first minute: %v", err)
			}
			p.after(2*time.Minute, calls)
			d := p.measure()
			// 120 records a second, of which a replica does 40: with something to spare for a later jump.
			if d.Value < 3000 || d.Value > 12_000 || d.Target != 1000 || d.Unit != policy.Millireplicas || d.Active {
				t.Errorf("decided %+v", d)
			}
			if d.Steps[0].Rule != policy.Rule(latency.RuleCurrent) || d.Steps[len(d.Steps)-1].Rule != policy.RuleActivation {
				t.Errorf("steps %+v", d.Steps)
			}
			values[calls] = d.Value
			p.told()
			p.after(time.Minute, calls)
			if told := p.told(); len(told) != 4 || told[3].Hold {
				t.Errorf("told of %d decisions in a minute, want 4: one each 15 s", len(told))
			}
			p.change(func() { p.lagging = 6 })
			p.after(2*time.Second, 0)
			if ev, err := p.v.Activity(t.Context(), p.e); err != nil || !ev.Decision.Active {
				t.Errorf("activity is for the lag to say: %v, %v", ev, err)
			}
			p.change(func() { p.broken = &fault.Error{Kind: fault.Unavailable, Op: "read"} })
			if _, err := p.v.Measure(t.Context(), p.e); err == nil {
				t.Error("a number although nothing is known")
			}
			time.Sleep(2 * time.Minute)
			if told := p.told(); len(told) == 0 || !told[len(told)-1].Hold {
				t.Error("the observer was not told that the last decision does not count any more")
			}
		})
	}
	if values[0] != values[1] || values[1] != values[20] {
		t.Errorf("by calls a second: %v", values)
	}
}

// TestTargetLatencyAdvises: the metric stays that of the lag, and the planner's decision is there to be shown.
func TestTargetLatencyAdvises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan30s(t, newWorkload(12, 10, 2), "latencyMode", "advise", "lagThreshold", "10")
		p.change(func() { p.lagging = 1 })
		p.after(3*time.Minute, 0)
		ev, err := p.v.Measure(t.Context(), p.e)
		if err != nil || ev.Decision.Value != 12 || ev.Decision.Target != 10 || p.e.Metric() != "kafka-orders" {
			t.Errorf("%+v, %v", ev, err)
		}
		if ev.Latency == nil || ev.LatencyErr != nil || ev.Latency.Replicas < 3 {
			t.Errorf("advised %+v, %v", ev.Latency, ev.LatencyErr)
		}
	})
}

// TestTargetLatencyOfAGroupThatSleeps: KEDA wakes nothing as long as GetMetrics fails, and a scaler that has just begun
// must not take replicas for gone that are about to join.
func TestTargetLatencyOfAGroupThatSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan30s(t, newWorkload(12, 0, 0))
		p.after(50*time.Second, 1)
		if ev, err := p.v.Measure(t.Context(), p.e); err == nil {
			t.Errorf("too soon: %+v", ev.Decision)
		}
		p.after(30*time.Second, 1)
		if d := p.measure(); d.Value != 1000 || d.Active {
			t.Errorf("asleep: %+v", d)
		}
		p.change(func() { p.rate, p.lagging = 1, 3 })
		p.after(2*time.Second, 0)
		if d := p.measure(); d.Value != 1000 || !d.Active {
			t.Errorf("records for a group that sleeps: %+v", d)
		}
	})
}

// TestTargetLatencyOfAGroupThatWakes: there is a number at any time, and it takes nobody away who has joined.
func TestTargetLatencyOfAGroupThatWakes(t *testing.T) {
	for _, joined := range []int64{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			p := plan30s(t, newWorkload(12, 0, 0))
			p.after(82*time.Second, 0)
			p.change(func() { p.rate, p.have = 1, joined })
			for range 30 {
				p.after(time.Second, 0)
				if d := p.measure(); d.Value != 1000 && d.Value != joined*1000 {
					t.Errorf("%d have joined: %+v", joined, d)
				}
			}
			if d := p.measure(); d.Value != joined*1000 || d.Steps[0].Rule != policy.Rule(latency.RuleCurrent) || d.Steps[0].After != d.Value {
				t.Errorf("%d have joined, and there has been a decision since: %+v", joined, d)
			}
		})
	}
}

// TestTargetLatencyOfATriggerNobodyAskedAbout: looking at it learns nothing, and lag is not taken in its place.
func TestTargetLatencyOfATriggerNobodyAskedAbout(t *testing.T) {
	w := newWorkload(3, 1, 1)
	v := NewEvaluator(w, uncontained)
	e := newTestRegistry(&seen{}).Look(ref("worker", "lagThreshold", "", "targetLatency", "30s"))
	p, err := v.Preview(t.Context(), e)
	if err != nil || fault.KindOf(p.Decision.Err) != fault.Precondition || p.Decision.Value != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestPlansGoWithTheirEntries: nothing is read for a trigger that was forgotten.
func TestPlansGoWithTheirEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan30s(t, newWorkload(3, 1, 1))
		p.after(20*time.Second, 0)
		p.r.sweep(time.Now().Add(2 * idleAfter))
		time.Sleep(2 * time.Second)
		if len(p.r.withPlan()) != 0 || p.e.plan.follower != nil || p.e.plan.past != nil || p.r.all != (usage{}) {
			t.Errorf("left: %+v, %+v", p.e.plan, p.r.all)
		}
	})
}

// BenchmarkPlan is one observation of a trigger with 12 partitions: each has one a second.
func BenchmarkPlan(b *testing.B) {
	w := newWorkload(12, 10, 2)
	v := NewEvaluator(w, uncontained)
	e := newTestRegistry(&seen{}).Get(ref("worker", "lagThreshold", "", "targetLatency", "30s"))
	var room planRoom
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		s := *w.snapshot
		s.ObservedAt = now
		for i := range s.Offsets {
			s.Offsets[i].ObservedAt = now
			s.Offsets[i].LogEnd += 10
			s.Offsets[i].Committed += 10
		}
		w.snapshot = &s
		v.observe(b.Context(), e, &room, now)
	}
}
