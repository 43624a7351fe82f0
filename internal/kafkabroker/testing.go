package kafkabroker

import (
	"context"
	"testing"
	"time"
)

// startTimeout is enough for a first start on a slow machine, jars included.
const startTimeout = 5 * time.Minute

// ForTest starts a cluster for one test and closes it at the test's end. Where
// the test fails, logs and data are kept, and the test says where.
func ForTest(t testing.TB, opts Options) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	c, err := Start(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the logs and data of Kafka %s are kept in %s", c.Version(), c.Keep())
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}
