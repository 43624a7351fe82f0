package scaledobject

import (
	"context"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
)

const (
	// lookEvery is how often a decision that the passing of time changes is made again, and that a trigger is
	// looked at of which nothing is known yet. All others wait for news: ten thousand must not cost anything.
	lookEvery = 5 * time.Second
	// sleepAtMost bounds the wait of a trigger that is not active.
	sleepAtMost = time.Minute
	// retryAfter is the pause after a failed wait.
	retryAfter = time.Second
)

// Follow tells say what a stream says: true when the trigger is or becomes active, and
// false when it stops being active. What is not known changes nothing: the last known true
// is said again now and then, a false is not. It ends when ctx does, with say's error, with
// that of a cluster that the configuration does not have (any more), or with a panic.
func (v *Evaluator) Follow(ctx context.Context, s *Stream, say func(active bool) error) error {
	e := s.entry
	var edge edges
	w := watch{seen: make([]collector.Version, len(e.queries))}
	for {
		err := v.next(ctx, e, &w, &edge)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		var ev *Evaluation
		if !w.first() {
			if ev, err = v.apart(ctx, e, w.cluster); err != nil {
				return err
			}
		}
		if active, changed := edge.after(e, ev, time.Now()); changed {
			if err := say(active); err != nil {
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
func (v *Evaluator) apart(ctx context.Context, e *Entry, cluster Snapshots) (decided *Evaluation, panicked error) {
	turn := v.deciding.Of(ctx)
	turn.Begin()
	defer turn.End()
	defer turn.Pause()
	done := make(chan struct{})
	go func() {
		defer close(done)
		panicked = v.contain.run("decide for a stream", func() {
			if r, err := v.readFrom(ctx, cluster, e, Snapshots.Snapshot); err == nil {
				decided = v.current(e, r)
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
func (v *Evaluator) next(ctx context.Context, e *Entry, w *watch, edge *edges) error {
	for {
		cluster, err := v.resolve(e)
		if err != nil {
			return err
		}
		w.turnTo(cluster)
		err = v.await(ctx, e, w, edge)
		if err == nil || isPanic(err) {
			return err
		}
		if cluster, err := v.resolve(e); err == nil && cluster != w.cluster {
			continue
		}
		// No news can come now; polls say why.
		pace.Sleep(ctx, retryAfter)
		return nil
	}
}

// await waits for news from the cluster of w, or until a while is over, which is no error.
func (v *Evaluator) await(ctx context.Context, e *Entry, w *watch, edge *edges) error {
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
	err := v.awaitNews(wait, await, e.queries, w.seen)
	if wait.Err() != nil && !isPanic(err) {
		return nil
	}
	return err
}
