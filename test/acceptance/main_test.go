//go:build realkafka

package acceptance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

// cluster is the one that all tests share.
var cluster *kafkabroker.Cluster

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	began := time.Now()
	// The first start gets Kafka's jars.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var err error
	cluster, err = kafkabroker.Start(ctx, kafkabroker.Options{Brokers: 3})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("real Kafka %s: %d brokers up in %.1f s\n", cluster.Version(), len(cluster.Brokers()), time.Since(began).Seconds())
	code = m.Run()
	if code != 0 {
		fmt.Println("the logs and data of the shared cluster are kept in", cluster.Keep())
	}
	if err := errors.Join(cluster.Close(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// scene bounds one test: a deadlock fails it, a slow machine does not.
func scene(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// newClient returns a client of ours and what it asks of whom.
func newClient(t *testing.T, cfg kafka.Config) (*kafka.Client, *tally) {
	t.Helper()
	counted := &tally{}
	client, err := kafka.New(cfg, kafka.Options{Observer: counted})
	must(t, err)
	t.Cleanup(client.Close)
	return client, counted
}
