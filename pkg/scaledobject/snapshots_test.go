package scaledobject

import (
	"context"
	"errors"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// TestSnapshotsForACallerWhoIsGone: there is one snapshot a query, or an error. A
// stream that ended between the question and the answer got neither, and panicked.
func TestSnapshotsForACallerWhoIsGone(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	v := NewEvaluator(fixedCluster{}, uncontained)
	queries := []*collector.Query{
		{Selection: trigger.Selection{ConsumerGroup: "a"}}, {Selection: trigger.Selection{ConsumerGroup: "b"}},
	}
	failed := errors.New("failed")
	for name, errs := range map[string][]error{"all known": {nil, nil}, "one known": {nil, failed}, "none known": {failed, failed}} {
		got, err := v.snapshotsOf(gone, nil, queries, func(_ Snapshots, _ context.Context, q *collector.Query) (*collector.Snapshot, error) {
			if q == queries[0] {
				return &collector.Snapshot{}, errs[0]
			}
			return &collector.Snapshot{}, errs[1]
		})
		if err == nil && len(got) != len(queries) {
			t.Errorf("%s: %d snapshots of %d queries, and no error", name, len(got), len(queries))
		}
		if name == "all known" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
