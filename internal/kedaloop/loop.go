package kedaloop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
)

// Workload is what is scaled: a Deployment, or what stands for one.
type Workload interface {
	// Replicas is the count that was last set.
	Replicas() int64
	// Scale sets the count. It does not wait for the replicas to come or go.
	Scale(replicas int64)
}

// Actor names who evaluated.
type Actor string

// The actors.
const (
	ActorPoll Actor = "KEDA"
	ActorPush Actor = "KEDA (push)"
	ActorHPA  Actor = "HPA"
)

// Event is one evaluation and what came of it.
type Event struct {
	At    time.Time
	Actor Actor
	Move
	// Value and Target are the metric and its target in records; 0 where the evaluation had none.
	Value, Target float64
	Active        bool
	// Err is the failed call, if one failed. Nothing moved then.
	Err error
}

// Loop scales one workload as KEDA and an HPA would.
type Loop struct {
	Spec     Spec
	Client   pb.ExternalScalerClient
	Ref      *pb.ScaledObjectRef
	Workload Workload
	// Observe is called after every evaluation, one call at a time; it must return soon. May be nil.
	Observe func(Event)

	// KEDA's poll and push exclude each other, as by its lock on the ScaledObject.
	keda   sync.Mutex
	memory *KEDA
	hpa    *HPA // used by its own goroutine only

	mu   sync.Mutex // guards all below, and the workload's count against two who set it at once
	spec *pb.MetricSpec
}

// errOneMetric is about a scaler that this loop does not know how to sum up.
var errOneMetric = errors.New("GetMetricSpec: this loop knows triggers with exactly one metric")

// Run runs the loop until ctx ends, and waits for its goroutines.
func (l *Loop) Run(ctx context.Context) {
	l.memory, l.hpa = NewKEDA(l.Spec, time.Now()), NewHPA(l.Spec)
	var group sync.WaitGroup
	group.Go(func() { every(ctx, 0, l.Spec.PollingInterval, l.poll) })
	// Two processes that know nothing of each other do not tick together. Half a period apart, no two
	// ticks meet that need not, so that a timeline is the same each time.
	group.Go(func() { every(ctx, l.Spec.SyncPeriod/2, l.Spec.SyncPeriod, l.sync) })
	if l.Spec.Push {
		group.Go(func() { l.push(ctx) })
	}
	group.Wait()
}

// every does something after a pause and then at every interval. What comes due while it is
// still being done is left out.
func every(ctx context.Context, pause, interval time.Duration, do func(context.Context)) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(pause):
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		do(ctx)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// poll is KEDA's evaluation: GetMetricSpec, GetMetrics, IsActive. What fails is asked once more
// at once, with a new scaler, before it counts.
func (l *Loop) poll(ctx context.Context) {
	l.keda.Lock()
	defer l.keda.Unlock()
	answer, err := l.evaluate(ctx)
	if err != nil {
		answer, err = l.evaluate(ctx)
	}
	if ctx.Err() != nil {
		return
	}
	l.apply(ActorPoll, answer, err, func(now time.Time, current int64) Move {
		if err != nil {
			return l.memory.Failed(current, err)
		}
		return l.memory.Poll(now, current, answer.active)
	})
}

// sync is one look of the HPA, which asks KEDA's metrics adapter, which asks as a poll does.
// There is no HPA before the first GetMetricSpec (KEDA 2.20), and it asks nothing while there
// are no replicas.
func (l *Loop) sync(ctx context.Context) {
	current, target := l.current()
	if target == 0 {
		return
	}
	var a answer
	var err error
	if current > 0 {
		if a, err = l.evaluate(ctx); ctx.Err() != nil {
			return
		}
	}
	l.apply(ActorHPA, a, err, func(now time.Time, current int64) Move {
		if err != nil {
			return Move{From: current, To: current, Reason: fmt.Sprintf("the HPA has no metric and does nothing: %v", err)}
		}
		return l.hpa.Sync(now, current, a.value, target)
	})
}

// apply lets decide have the current count, sets what it says, and tells the observer.
func (l *Loop) apply(actor Actor, a answer, err error, decide func(now time.Time, current int64) Move) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	m := decide(now, l.Workload.Replicas())
	if m.To != m.From {
		l.Workload.Scale(m.To)
	}
	if l.Observe != nil {
		l.Observe(Event{At: now, Actor: actor, Move: m, Value: a.value, Target: a.target, Active: a.active, Err: err})
	}
}

func (l *Loop) current() (replicas int64, target float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Workload.Replicas(), targetOf(l.spec)
}
