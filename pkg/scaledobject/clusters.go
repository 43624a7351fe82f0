package scaledobject

import (
	"context"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// Clusters finds the cluster that a trigger names. It is asked on every RPC, so
// that a reloaded configuration counts at once, and must answer from memory.
type Clusters interface {
	// Resolve returns the snapshots of the cluster that a trigger of a ScaledObject in the namespace means, or
	// an error of kind NotFound, Invalid or Denied where the configuration has no such cluster or does not
	// allow it, and Precondition where the namespace has too many.
	Resolve(namespace string, c trigger.Connection) (Snapshots, error)
}

// Snapshots is what is known of one cluster; *collector.Collector is one. Its values
// can be compared, and two that differ know nothing of each other: their versions
// and snapshots have nothing in common, be it the same Kafka that they read.
type Snapshots interface {
	// Snapshot returns a young enough snapshot, from memory if there is one. Two calls between two
	// refreshes return the same pointer.
	Snapshot(context.Context, *collector.Query) (*collector.Snapshot, error)
	// Peek is Snapshot for once: a query that nobody else asks about is not kept fresh.
	Peek(context.Context, *collector.Query) (*collector.Snapshot, error)
	// Wait returns once Snapshot shows a version newer than after, which is 0 at first, or an error: the
	// context's, or why there will be none.
	Wait(ctx context.Context, q *collector.Query, after collector.Version) (collector.Version, error)
	// WaitForRecords is Wait for a trigger that is not active: it also returns as soon as there are new records.
	WaitForRecords(ctx context.Context, q *collector.Query, after collector.Version) (collector.Version, error)
}

var _ Snapshots = (*collector.Collector)(nil)

// ClustersFunc makes [Clusters] of a function that returns a concrete type.
func ClustersFunc[S Snapshots](resolve func(namespace string, c trigger.Connection) (S, error)) Clusters {
	return clustersFunc[S](resolve)
}

type clustersFunc[S Snapshots] func(string, trigger.Connection) (S, error)

// Resolve implements [Clusters].
func (f clustersFunc[S]) Resolve(namespace string, c trigger.Connection) (Snapshots, error) {
	s, err := f(namespace, c)
	if err != nil {
		return nil, err
	}
	return s, nil
}
