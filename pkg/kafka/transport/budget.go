package transport

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

const (
	// DefaultBudget is how many bytes of answers a client holds at a time where it is given no budget to share.
	DefaultBudget = 64 << 20
	// smallFrame is the size up to which an answer counts against no budget: each connection has one at a time.
	smallFrame = 64 << 10
)

// Bounds of one answer, by what is asked. A broker that has not been authenticated may
// be anybody. Answers that are read as they come are not held, so that their size is
// only a matter of time; Metadata of 100,000 partitions has 10 MB.
const (
	maxHandshakeFrame = 64 << 10
	maxHeldFrame      = 16 << 20
	maxStreamedFrame  = 100 << 20
)

// Budget bounds the bytes of answers that are held at a time, in all clients that
// share it. An answer that does not fit waits until others have been read.
type Budget struct {
	size int64
	free *semaphore.Weighted
}

// NewBudget returns a budget of so many bytes; [DefaultBudget] where that is not positive.
func NewBudget(bytes int64) *Budget {
	if bytes <= 0 {
		bytes = DefaultBudget
	}
	return &Budget{size: bytes, free: semaphore.NewWeighted(bytes)}
}

// take waits until there is room for an answer, and returns how to give it back.
// Nobody waits for a second answer while holding a first, so that those who wait are
// waited for by nobody. Without a budget there is always room.
func (b *Budget) take(ctx context.Context, bytes int) (giveBack func(), err error) {
	n := int64(bytes)
	switch {
	case b == nil || n <= smallFrame:
		return func() {}, nil
	case n > b.size:
		return nil, wire.TooLarge("bytes", int(b.size))
	}
	if err := b.free.Acquire(ctx, n); err != nil {
		return nil, fmt.Errorf("waiting for room for an answer of %d bytes: %w", n, context.Cause(ctx))
	}
	return func() { b.free.Release(n) }, nil
}
