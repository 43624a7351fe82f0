package scaler

import (
	"cmp"
	"context"
	"sync"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
)

// snapshotsOf returns the snapshots of all queries, in their order.
func snapshotsOf(ctx context.Context, cluster Snapshots, queries []*collector.Query) ([]*collector.Snapshot, error) {
	snapshots := make([]*collector.Snapshot, len(queries))
	// At the same time, because new queries that wait together are read together.
	errs := make([]error, len(queries))
	var all sync.WaitGroup
	for i, q := range queries {
		all.Go(func() { snapshots[i], errs[i] = cluster.Snapshot(ctx, q) })
	}
	all.Wait()
	return snapshots, cmp.Or(errs...)
}

// waitFunc is one of the waiting methods of [Snapshots].
type waitFunc func(context.Context, *collector.Query, *collector.Snapshot) (*collector.Snapshot, error)

// awaitAny waits until the snapshot of any query is not that of after, which is
// empty for none, and returns those of all queries then.
func awaitAny(ctx context.Context, cluster Snapshots, await waitFunc, queries []*collector.Query, after []*collector.Snapshot) ([]*collector.Snapshot, error) {
	if after == nil {
		after = make([]*collector.Snapshot, len(queries))
	}
	if len(queries) == 1 {
		s, err := await(ctx, queries[0], after[0])
		return []*collector.Snapshot{s}, err
	}
	if after[0] != nil {
		if err := awaitOne(ctx, await, queries, after); err != nil {
			return nil, err
		}
	}
	return snapshotsOf(ctx, cluster, queries)
}

// awaitOne waits for all of the queries until one of them has news.
func awaitOne(ctx context.Context, await waitFunc, queries []*collector.Query, after []*collector.Snapshot) error {
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan error, len(queries))
	var all sync.WaitGroup
	for i, q := range queries {
		all.Go(func() {
			_, err := await(ctx, q, after[i])
			results <- err
		})
	}
	first := <-results
	cancel()
	all.Wait()
	return first
}
