package pace

import (
	"context"
	"time"
)

// Sleep waits for d, and returns false if ctx ends before it is over.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
