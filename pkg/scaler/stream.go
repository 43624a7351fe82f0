package scaler

import (
	"context"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
)

const (
	// repeatAfter is when a true is said once more. KEDA drops the first one of a new ScaledObject without a
	// word, as long as its status does not name the metric yet (pkg/scaling/scale_handler.go).
	repeatAfter = 10 * time.Second
	// refreshEvery is how often a true that stays true is said again after that, against whatever else got
	// lost. Rare, because each one moves KEDA's LastActiveTime.
	refreshEvery = 5 * time.Minute
	// holdEvery is how often the last known true is said again while lag is not known: as often as KEDA, by its
	// default pollingInterval, notes the time of an active trigger. While calls fail, KEDA 2.21.0 at times takes
	// them for inactive (docs/operations.md), and then only the time of the last true keeps a workload awake.
	holdEvery = 30 * time.Second
	// waitAtMost bounds one wait for a snapshot, so that a decision also ages while none comes.
	waitAtMost = 5 * time.Second
	// sleepAtMost is the same for a trigger that is not active and does not become so by the passing of time.
	// Ten thousand that sleep must not cost anything.
	sleepAtMost = time.Minute
	// maxSpecStreams bounds the StreamMetricSpec that are open at once. Each costs some 12 KB for as long as it
	// lives, and tells nothing that GetMetricSpec does not.
	maxSpecStreams = 100
	// retryAfter is the pause after a failed wait.
	retryAfter = time.Second
)

// StreamIsActive sends true when the trigger is or becomes active, and false
// when it ceases to be. What is not known changes nothing: the last known true is
// said again now and then, a false is not. It ends with an error for invalid
// metadata or an unknown cluster, and stays open while a cluster is down.
func (s *Server) StreamIsActive(ref *pb.ScaledObjectRef, stream grpc.ServerStreamingServer[pb.IsActiveResponse]) error {
	e := s.registry.get(ref)
	if e.err != nil {
		return s.fail(e, e.err)
	}
	e.streams.Add(1)
	defer e.streams.Add(-1)
	var edge edges
	var last []*collector.Snapshot
	for {
		snapshots, err := s.next(stream.Context(), e, last, edge.active)
		if stream.Context().Err() != nil {
			return statusOf(stream.Context().Err())
		}
		if err != nil {
			return s.fail(e, err)
		}
		var ev *evaluation
		if snapshots != nil {
			last = snapshots
			ev = s.apart(e, snapshots)
		}
		if active, say := edge.after(e, ev, time.Now()); say {
			if err := stream.Send(&pb.IsActiveResponse{Result: active}); err != nil {
				return err
			}
		}
	}
}

// apart is current on a goroutine of its own. Deciding takes a deep stack, and one
// that has grown hardly ever shrinks again: thousands of streams, each of which
// decides now and then and else only waits, would hold twice the memory. A panic
// goes on in the caller, whose interceptors know what to do with it.
//
// One stream decides at a time, with pauses: thousands of them, whose times are over
// at one moment, would keep every call waiting.
func (s *Server) apart(e *entry, snapshots []*collector.Snapshot) (decided *evaluation) {
	s.deciding.Begin()
	defer s.deciding.End()
	defer s.deciding.Pause()
	var panicked any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		decided = s.current(e, snapshots)
	}()
	<-done
	if panicked != nil {
		panic(panicked)
	}
	return decided
}

// next returns the next snapshots to decide from: newer ones, or last again after
// a while, or nil if there is none yet. A trigger that is not active learns of new
// records at once. An error means that the configuration has no such cluster (any more).
func (s *Server) next(ctx context.Context, e *entry, last []*collector.Snapshot, active bool) ([]*collector.Snapshot, error) {
	cluster, err := s.clusters.Resolve(e.trigger.Connection)
	if err != nil {
		return nil, err
	}
	await, most := cluster.WaitForRecords, sleepAtMost
	if active {
		await = cluster.Wait
	}
	if active || e.trigger.Selection.Ages || last == nil {
		most = waitAtMost
	}
	wait, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	snapshots, err := awaitAny(wait, cluster, await, e.queries, last)
	if err == nil {
		return snapshots, nil
	}
	// The last one grows old by itself; polls say why there is no newer one.
	pause(wait, retryAfter)
	return last, nil
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// edges turns a sequence of known states into what a stream says. The zero value
// is a stream that has said nothing.
type edges struct {
	active bool
	again  time.Time
	// held is when the last known true is to be said again while the state is not known; zero while it is.
	held time.Time
}

// next takes the present state and returns whether to say it.
func (g *edges) next(active bool, now time.Time) (value, say bool) {
	g.held = time.Time{}
	switch {
	case active && !g.active:
		g.active, g.again = true, now.Add(repeatAfter)
		return true, true
	case !active && g.active:
		g.active = false
		return false, true
	case active && !now.Before(g.again):
		g.again = now.Add(refreshEvery)
		return true, true
	}
	return active, false
}

// hold is next for a state that is not known, given the last one that was. A stream
// that has said nothing yet begins with it: KEDA 2.21.0 closes its connection when
// calls of all triggers fail, and comes back for moments only.
func (g *edges) hold(active bool, now time.Time) (value, say bool) {
	switch {
	case !active:
		return false, false
	case g.held.IsZero() && g.active:
		g.held = now.Add(holdEvery)
		return true, false
	case now.Before(g.held):
		return true, false
	}
	g.active, g.held = true, now.Add(holdEvery)
	return true, true
}

// after takes an evaluation, nil where there is none yet, and returns what to say, if anything.
func (g *edges) after(e *entry, ev *evaluation, now time.Time) (value, say bool) {
	if ev == nil || ev.err != nil {
		return g.hold(e.wasActive.Load(), now)
	}
	return g.next(ev.decision.Active, now)
}

// StreamMetricSpec sends the metric's name and target at once. They follow from
// the metadata, which is fixed for a stream, so nothing more is sent until it
// ends: KEDA takes an open stream for "nothing has changed". Beyond maxSpecStreams it
// answers UNIMPLEMENTED, upon which KEDA does without the stream, and without a word
// (v2.21.0, pkg/scalers/external_scaler.go, streamMetricSpecOnce).
func (s *Server) StreamMetricSpec(ref *pb.ScaledObjectRef, stream grpc.ServerStreamingServer[pb.GetMetricSpecResponse]) error {
	e := s.registry.get(ref)
	if e.err != nil {
		return s.fail(e, e.err)
	}
	defer s.specStreams.Add(-1)
	if s.specStreams.Add(1) > maxSpecStreams {
		return status.Errorf(codes.Unimplemented, "%d of these streams are open, and they tell no more than GetMetricSpec does", maxSpecStreams)
	}
	e.streams.Add(1)
	defer e.streams.Add(-1)
	if err := stream.Send(e.spec); err != nil {
		return err
	}
	<-stream.Context().Done()
	return statusOf(stream.Context().Err())
}
