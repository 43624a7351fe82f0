package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	"golang.org/x/sync/errgroup"

	"github.com/kafka-scaler/kafka-scaler/e2e/product"
	"github.com/kafka-scaler/kafka-scaler/e2e/stack"
)

// World is what all scenarios of a run share.
type World struct {
	Stack  *stack.Stack
	Kafka  *kafkabroker.Cluster
	Scaler *product.Scaler

	root, dir string

	mu       sync.Mutex
	clusters []*kafkabroker.Cluster
}

// Brokers is how many brokers the shared cluster has.
const Brokers = 3

// properties of the shared cluster: members of a KIP-848 group take over partitions by the heartbeat, of which
// the default is 5 s.
var properties = map[string]string{
	"group.consumer.min.heartbeat.interval.ms": "1000", "group.consumer.heartbeat.interval.ms": "2000",
}

// Start starts the control plane with KEDA, a Kafka of three brokers, and the
// scaler. Root is the path of the repository.
func Start(ctx context.Context, root string) (_ *World, err error) {
	w := &World{root: root}
	if w.dir, err = os.MkdirTemp("", "kafka-scaler-e2e-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(w.keepLogs(err), w.Stop())
		}
	}()
	for _, name := range []string{"stack", "scaler"} {
		if err := os.Mkdir(filepath.Join(w.dir, name), 0o755); err != nil {
			return nil, err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		w.Stack, err = stack.Start(ctx, stack.Options{Tools: filepath.Join(root, "e2e", "tools"), Dir: filepath.Join(w.dir, "stack")})
		return err
	})
	group.Go(func() (err error) {
		if w.Kafka, err = w.startKafka(ctx, kafkabroker.Options{Brokers: Brokers, Extra: properties}); err != nil {
			return err
		}
		w.Scaler, err = product.Start(ctx, root, filepath.Join(w.dir, "scaler"), w.Kafka.Bootstrap())
		return err
	})
	return w, group.Wait()
}

// startKafka starts one more cluster, which Stop closes if nobody does before.
func (w *World) startKafka(ctx context.Context, opts kafkabroker.Options) (*kafkabroker.Cluster, error) {
	cluster, err := kafkabroker.Start(ctx, opts)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clusters = append(w.clusters, cluster)
	return cluster, nil
}

func (w *World) closeKafka(cluster *kafkabroker.Cluster) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clusters = slices.DeleteFunc(w.clusters, func(c *kafkabroker.Cluster) bool { return c == cluster })
	return cluster.Close()
}

// Stop ends every process and removes their files.
func (w *World) Stop() error {
	if w.Stack != nil {
		w.Stack.Stop()
	}
	var errs []error
	if w.Scaler != nil {
		errs = append(errs, w.Scaler.Close())
	}
	for _, cluster := range w.clusters {
		errs = append(errs, cluster.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(w.dir))...)
}

// manifest is the path of a manifest that users apply.
func (w *World) manifest(name string) string { return filepath.Join(w.root, "deploy", name) }
