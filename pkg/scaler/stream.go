package scaler

import (
	"cmp"
	"context"
	"slices"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
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
	// lookEvery is how often a decision that the passing of time changes is made anew, and that a trigger is
	// looked at of which nothing is known yet. All others wait for news: ten thousand must not cost anything.
	lookEvery = 5 * time.Second
	// sleepAtMost bounds the wait of a trigger that is not active.
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
// metadata or an unknown cluster, stays open while a cluster is down, and ends
// without an error where a newer stream takes its place.
func (s *Server) StreamIsActive(ref *pb.ScaledObjectRef, server grpc.ServerStreamingServer[pb.IsActiveResponse]) error {
	e := s.registry.get(ref)
	if e.err != nil {
		return s.fail(e, e.err)
	}
	ctx, end := context.WithCancel(server.Context())
	defer end()
	held, err := s.registry.open(e, end)
	if err != nil {
		return s.fail(e, err)
	}
	defer held.close()
	// On a goroutine of its own, because a stream spends its life waiting: the stack on which gRPC calls this
	// method would be twice as large for as long.
	said := make(chan error, 1)
	go func() {
		var err error
		panicked := s.panics.catch("StreamIsActive", func() { err = s.sayActivity(ctx, held.entry, server.Send) })
		said <- cmp.Or(panicked, err)
	}()
	err = <-said
	if isPanic(err) {
		return statusOf(err)
	}
	if server.Context().Err() == nil && ctx.Err() != nil {
		return nil
	}
	return err
}

// sayActivity tells send what a stream says, until ctx ends.
func (s *Server) sayActivity(ctx context.Context, e *entry, send func(*pb.IsActiveResponse) error) error {
	var edge edges
	w := watch{seen: make([]collector.Version, len(e.queries))}
	for {
		err := s.next(ctx, e, &w, &edge)
		if ctx.Err() != nil {
			return statusOf(ctx.Err())
		}
		if err != nil {
			return s.fail(e, err)
		}
		var ev *evaluation
		if !w.first() {
			if ev, err = s.apart(ctx, e, w.cluster); err != nil {
				return s.fail(e, err)
			}
		}
		if active, say := edge.after(e, ev, time.Now()); say {
			if err := send(&pb.IsActiveResponse{Result: active}); err != nil {
				return err
			}
		}
	}
}

// apart decides on a goroutine of its own; nil where nothing at all is known. Taking
// a snapshot and deciding takes a deep stack, and one that has grown hardly ever
// shrinks again: thousands of streams, each of which does so now and then and else only
// waits, would hold twice the memory. The error says that there was a panic.
//
// One stream decides at a time, with pauses: thousands of them, whose times are over
// at one moment, would keep every call waiting.
func (s *Server) apart(ctx context.Context, e *entry, cluster Snapshots) (decided *evaluation, panicked error) {
	turn := s.deciding.Of(ctx)
	turn.Begin()
	defer turn.End()
	defer turn.Pause()
	done := make(chan struct{})
	go func() {
		defer close(done)
		panicked = s.panics.catch("decide for a stream", func() {
			if r, err := s.readFrom(ctx, cluster, e); err == nil {
				decided = s.current(e, r)
			}
		})
	}()
	<-done
	return decided, panicked
}

// watch is what a stream has seen of its cluster.
type watch struct {
	cluster Snapshots
	// seen are the versions of the entry's queries.
	seen []collector.Version
}

// first reports whether a query has not been read yet.
func (w *watch) first() bool { return slices.Contains(w.seen, 0) }

// turnTo notes which cluster is watched. A new one begins with its first version.
func (w *watch) turnTo(cluster Snapshots) {
	if w.cluster != cluster {
		w.cluster = cluster
		clear(w.seen)
	}
}

// next waits until there may be something to decide: there is news besides the
// versions seen, which it brings up to date, or a while is over. A trigger that is not
// active learns of new records at once. Where the configuration replaces the cluster,
// which ends the wait, it goes on with the new one at once. An error means that
// the configuration has no such cluster (any more), or that there was a panic.
func (s *Server) next(ctx context.Context, e *entry, w *watch, edge *edges) error {
	for {
		cluster, err := s.clusters.Resolve(e.namespace, e.trigger.Connection)
		if err != nil {
			return err
		}
		w.turnTo(cluster)
		err = s.await(ctx, e, w, edge)
		if err == nil || isPanic(err) {
			return err
		}
		if cluster, err := s.clusters.Resolve(e.namespace, e.trigger.Connection); err == nil && cluster != w.cluster {
			continue
		}
		// No news can come now; polls say why.
		pace.Sleep(ctx, retryAfter)
		return nil
	}
}

// await waits for news from the cluster of w, or until a while is over, which is no error.
func (s *Server) await(ctx context.Context, e *entry, w *watch, edge *edges) error {
	await := w.cluster.WaitForRecords
	if edge.active {
		await = w.cluster.Wait
	}
	most := edge.most(time.Now())
	if w.first() || e.agesAlone() {
		most = lookEvery
	}
	wait, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	err := s.awaitNews(wait, await, e.queries, w.seen)
	if wait.Err() != nil && !isPanic(err) {
		return nil
	}
	return err
}

// agesAlone reports whether the passing of time alone can make the trigger active, or inactive.
func (e *entry) agesAlone() bool { return e.trigger.Selection.Ages || e.trigger.Lag.ExcludePersistent }

// edges turns a sequence of known states into what a stream says. The zero value
// is a stream that has said nothing.
type edges struct {
	active bool
	again  time.Time
	// known is when the state was last known, and held when the last known true is to be said again while it
	// is not; zero while it is.
	known, held time.Time
}

// most is how long there is nothing to say for sure if nothing changes, nor to find out that nothing is known any more.
func (g *edges) most(now time.Time) time.Duration {
	switch {
	case !g.active:
		return sleepAtMost
	case !g.held.IsZero():
		return max(retryAfter, g.held.Sub(now))
	}
	return min(max(retryAfter, g.again.Sub(now)), holdEvery)
}

// next takes the present state and returns whether to say it.
func (g *edges) next(active bool, now time.Time) (value, say bool) {
	g.known, g.held = now, time.Time{}
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
	if g.held.IsZero() && g.active {
		g.held = g.known.Add(holdEvery)
	}
	if !active || now.Before(g.held) {
		return active, false
	}
	g.active, g.held = true, now.Add(holdEvery)
	return true, true
}

// after takes an evaluation, nil where there is none yet, and returns what to say, if anything.
func (g *edges) after(e *entry, ev *evaluation, now time.Time) (value, say bool) {
	if ev != nil {
		if active, known := ev.active(); known {
			return g.next(active, now)
		}
	}
	return g.hold(e.wasActive.Load(), now)
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
	if err := stream.Send(e.spec); err != nil {
		return err
	}
	<-stream.Context().Done()
	return statusOf(stream.Context().Err())
}
