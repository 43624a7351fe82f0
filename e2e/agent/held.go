package agent

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// held knows which partitions a rebalance has taken from a member while it had
// records of theirs at hand. Their new owner begins at the last commit: what the
// old one still did would be done twice, and its commit would take back the new one's.
type held struct {
	mu   sync.Mutex
	gone map[partition]bool
}

type partition struct {
	topic string
	id    int32
}

// options make a client tell of its rebalances.
func (h *held) options() []kgo.Opt {
	return []kgo.Opt{
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) { h.set(assigned, false) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { h.set(lost, true) }),
		kgo.OnPartitionsRevoked(func(ctx context.Context, client *kgo.Client, revoked map[string][]int32) {
			h.set(revoked, true)
			// The new owners begin where this commit is. Where it fails, they do a few records once more.
			_ = client.CommitMarkedOffsets(ctx)
		}),
	}
}

func (h *held) set(partitions map[string][]int32, gone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone == nil {
		h.gone = map[partition]bool{}
	}
	for topic, ids := range partitions {
		for _, id := range ids {
			h.gone[partition{topic, id}] = gone
		}
	}
}

// has says whether a record is still the member's to work on.
func (h *held) has(record *kgo.Record) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.gone[partition{record.Topic, record.Partition}]
}

// done has a record committed soon, if its partition is still the member's.
func (h *held) done(client *kgo.Client, record *kgo.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.gone[partition{record.Topic, record.Partition}] {
		client.MarkCommitRecords(record)
	}
}
