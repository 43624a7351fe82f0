package scaler

import (
	"cmp"
	"context"
	"slices"
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
type waitFunc func(context.Context, *collector.Query, collector.Version) (collector.Version, error)

// awaitNews waits until any of the queries has news beside the versions seen, which
// it brings up to date; at first, until each of them has been read.
func awaitNews(ctx context.Context, await waitFunc, queries []*collector.Query, seen []collector.Version) (err error) {
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
			v, err := await(ctx, q, seen[i])
			results <- news{i, v, err}
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
