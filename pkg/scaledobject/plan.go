package scaledobject

import (
	"context"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/history"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/arrivals"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/members"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

const (
	// observeEvery is how often planners look at what is known of their groups.
	observeEvery = time.Second
	// emptyFor is how long a group must have had no member before it counts as asleep: a scaler that has just begun
	// must not take replicas away that are about to join.
	emptyFor = time.Minute
)

// Histories is a cluster that can tell what targetLatency wants to know besides offsets; [Snapshots] may be one.
type Histories interface {
	// FollowMembers has the members of a group read until the follower is closed.
	FollowMembers(group string) *members.Follower
	// ReadArrivals begins to read what came to the partitions in the past.
	ReadArrivals(partitions []lag.TopicPartition) *arrivals.Reading
}

// plan is the planner of a trigger with targetLatency, and what feeds it. It observes on its own clock: how often KEDA
// asks changes nothing.
type plan struct {
	mu      sync.Mutex
	planner *latency.Planner
	history history.History
	// cluster is what follower and past are of. What was learned outlives it: a reload gives the same Kafka a new one.
	cluster  Snapshots
	follower *members.Follower
	past     *arrivals.Reading
	// recalled says that the past has been asked for.
	recalled bool
	// seen is the snapshot that was observed last.
	seen *collector.Snapshot
	// newest is what was observed last, without its partitions, of which there are units to deal out.
	newest latency.Observation
	units  int
	// emptySince is since when the group has had no member; zero while it has some, or nobody can tell.
	emptySince time.Time
	// slept says that the group had had no member for emptyFor when it was last seen without one. What it has had since
	// is all that has started.
	slept bool
	// err is why the newest observation lacks something; nil where it lacks nothing.
	err error
	// toldAt and toldHold are of the decision that the observer was told last.
	toldAt   time.Time
	toldHold bool
	closed   bool
}

func newPlan(t *trigger.Trigger) *plan {
	if t == nil || t.Latency == nil {
		return nil
	}
	return &plan{planner: latency.New(t.Latency.Config)}
}

// close lets go of what reads for the plan.
func (p *plan) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.leave()
}

// leave lets go of the cluster. The caller holds mu.
func (p *plan) leave() {
	if p.follower != nil {
		p.follower.Close()
	}
	if p.past != nil {
		p.past.Close()
		// What it had not read yet is read by the next one.
		p.recalled = false
	}
	p.cluster, p.follower, p.past, p.seen = nil, nil, nil, nil
}

// turnTo follows the group in a cluster. The caller holds mu.
func (p *plan) turnTo(cluster Snapshots, group string) {
	if p.cluster == cluster {
		return
	}
	p.leave()
	p.cluster = cluster
	if histories, able := cluster.(Histories); able {
		p.follower = histories.FollowMembers(group)
	}
}

// Plan has the planners of the registry's triggers observe, until ctx ends.
func (v *Evaluator) Plan(ctx context.Context, r *Registry) {
	ticks := time.NewTicker(observeEvery)
	defer ticks.Stop()
	// Only what is in memory is observed: one cluster that is slow must not keep the others waiting.
	inMemory, cancel := context.WithCancel(ctx)
	cancel()
	var room planRoom
	v.contain.every(ctx, ticks.C, "plan", func(now time.Time) {
		for _, e := range r.withPlan() {
			// One that panics must not keep the others from observing.
			_ = v.contain.run("plan", func() { v.observe(inMemory, e, &room, now) })
		}
	})
}

// planRoom is memory that one observation after the other uses.
type planRoom struct {
	report []lag.Partition
	parts  []latency.Partition
}

// observe tells a trigger's planner what is known of its group now, and the observer of its decision.
func (v *Evaluator) observe(inMemory context.Context, e *Entry, room *planRoom, now time.Time) {
	p := e.plan
	cluster, err := v.resolve(e)
	var snapshot *collector.Snapshot
	if err == nil {
		snapshot, err = cluster.Snapshot(inMemory, e.queries[0])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return
	case err != nil:
		p.err = err
	default:
		p.turnTo(cluster, e.trigger.Selection.ConsumerGroup)
		p.take(e, snapshot, room, now)
		p.recall()
	}
	if d := p.planner.Decide(now); d.At != p.toldAt || d.Hold != p.toldHold {
		p.toldAt, p.toldHold = d.At, d.Hold
		e.series.planned(d)
	}
}

// take has the planner observe a snapshot that it has not seen. The caller holds mu.
func (p *plan) take(e *Entry, snapshot *collector.Snapshot, room *planRoom, now time.Time) {
	if p.seen == snapshot {
		return
	}
	p.seen = snapshot
	if p.err = snapshot.Err; p.err != nil {
		return
	}
	report := lag.ComputeInto(room.report, e.trigger.Lag, snapshot.Offsets, now)
	report.Group = snapshot.Group
	room.report = report.Partitions
	var membership *lag.Membership
	if p.follower != nil {
		membership = p.follower.Membership()
	}
	o, err := p.history.Observe(room.parts, &report, membership)
	room.parts, p.err = o.Partitions, err
	p.look(&o, e.trigger.Latency.Config.CoPartitioned)
	p.begin(snapshot)
	p.planner.Observe(o)
}

// look notes what the observation says about the group as a whole. The caller holds mu.
func (p *plan) look(o *latency.Observation, coPartitioned bool) {
	p.newest, p.units = *o, len(o.Partitions)
	p.newest.Partitions = nil
	if coPartitioned {
		ids := int32(-1)
		for i := range o.Partitions {
			ids = max(ids, o.Partitions[i].ID)
		}
		p.units = min(p.units, int(ids)+1)
	}
	switch {
	case o.State != latency.Empty || o.Members != 0:
		p.emptySince = time.Time{}
	default:
		if p.emptySince.IsZero() {
			p.emptySince = o.At
		}
		p.slept = o.At.Sub(p.emptySince) >= emptyFor
	}
}

// begin asks for the past of the partitions, once. The caller holds mu.
func (p *plan) begin(snapshot *collector.Snapshot) {
	histories, able := p.cluster.(Histories)
	if p.recalled || !able || len(snapshot.Offsets) == 0 {
		return
	}
	partitions := make([]lag.TopicPartition, len(snapshot.Offsets))
	for i := range snapshot.Offsets {
		partitions[i] = snapshot.Offsets[i].TopicPartition
	}
	p.past, p.recalled = histories.ReadArrivals(partitions), true
}

// recall tells the planner what has been read of the past. The caller holds mu.
func (p *plan) recall() {
	if p.past == nil {
		return
	}
	spans, more := p.past.Take()
	if len(spans) > 0 {
		p.planner.Recall(spans...)
	}
	if !more {
		p.past.Close()
		p.past = nil
	}
}

// decide returns the newest decision; where that is to hold, err says why there is no number. asleep says that the group
// had no member for so long that nothing is lost by asking for those that have joined since, and for one at least: it is
// what KEDA needs to wake it.
func (p *plan) decide(now time.Time) (d latency.Decision, asleep bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d = p.planner.Decide(now)
	if !d.Hold {
		return d, false, nil
	}
	if d.Replicas < 1 && p.err == nil && p.slept && now.Sub(p.newest.At) < latency.MaxAge {
		return d, true, nil
	}
	if p.err != nil {
		return d, false, p.err
	}
	return d, false, &fault.Error{
		Kind: fault.Unavailable, Op: "scale by", Object: "targetLatency", Err: holding(d.Reason()),
		Remedy: "wait: the replicas stay as they are until the number is known",
	}
}

// holding is why a planner has no number.
type holding string

// Error says it.
func (h holding) Error() string { return string(h) }

// sizes returns how many replicas the members are, and the most that are of use.
func (p *plan) sizes(c *latency.Config) (have, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	threads := max(1, c.PartitionsPerReplica)
	have, most = max(0, p.newest.Members+threads-1)/threads, (p.units+threads-1)/threads
	if c.MaxReplicas > 0 {
		most = min(most, c.MaxReplicas)
	}
	return have, most
}
