package pace

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if !Sleep(ctx, 40*time.Second) || time.Since(begin) != 40*time.Second {
			t.Errorf("awake after %s", time.Since(begin))
		}
		if Sleep(ctx, 40*time.Second) || time.Since(begin) != time.Minute {
			t.Errorf("the context has ended, awake after %s", time.Since(begin))
		}
	})
}
