package scaledobject

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// snapshotFunc is one of the methods of [Snapshots] that return a snapshot, as an expression: unlike a method
// value, that allocates nothing.
type snapshotFunc func(Snapshots, context.Context, *collector.Query) (*collector.Snapshot, error)

// snapshotsOf returns the snapshots of all queries, in their order. Where some are
// known, one that is not is a snapshot of nothing, with the error: what is known can be enough.
func (v *Evaluator) snapshotsOf(ctx context.Context, cluster Snapshots, queries []*collector.Query, take snapshotFunc) ([]*collector.Snapshot, error) {
	snapshots := make([]*collector.Snapshot, len(queries))
	// At the same time, because new queries that wait together are read together.
	errs := make([]error, len(queries))
	var all sync.WaitGroup
	for i, q := range queries {
		all.Go(func() {
			err := v.contain.run("take a snapshot", func() { snapshots[i], errs[i] = take(cluster, ctx, q) })
			errs[i] = cmp.Or(err, errs[i])
		})
	}
	all.Wait()
	known := 0
	for i, err := range errs {
		if err != nil {
			snapshots[i] = &collector.Snapshot{Group: lag.Group{Name: queries[i].ConsumerGroup, Members: -1}, Err: err}
			continue
		}
		known++
	}
	// Where the caller is gone, what failed says nothing. What is known is known all the same.
	if err := cmp.Or(errs...); err != nil && (known == 0 || ctx.Err() != nil) {
		return nil, err
	}
	return snapshots, nil
}

// waitFunc is one of the waiting methods of [Snapshots].
type waitFunc func(context.Context, *collector.Query, collector.Version) (collector.Version, error)

// awaitNews waits until any of the queries has news beside the versions seen, which
// it brings up to date; at first, until each of them has been read.
func (v *Evaluator) awaitNews(ctx context.Context, await waitFunc, queries []*collector.Query, seen []collector.Version) (err error) {
	if len(queries) == 1 {
		v, err := await(ctx, queries[0], seen[0])
		seen[0] = max(seen[0], v)
		return err
	}
	enough := 1
	if slices.Contains(seen, 0) {
		enough = len(queries)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type news struct {
		query   int
		version collector.Version
		err     error
	}
	results := make(chan news, len(queries))
	for i, q := range queries {
		go func() {
			n := news{query: i}
			err := v.contain.run("wait for news", func() { n.version, n.err = await(ctx, q, seen[i]) })
			n.err = cmp.Or(err, n.err)
			results <- n
		}()
	}
	for came := 1; came <= len(queries); came++ {
		n := <-results
		seen[n.query] = max(seen[n.query], n.version)
		if came <= enough {
			err = cmp.Or(err, n.err)
		}
		if came >= enough || n.err != nil {
			cancel()
		}
	}
	return err
}
