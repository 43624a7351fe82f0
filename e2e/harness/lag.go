package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lagEvery is how often the test itself looks at a group's lag.
const lagEvery = 500 * time.Millisecond

// watchLag records the group's lag, how many records it has finished, and what the scaler tells KEDA of it, until ctx ends.
func (w *Workload) watchLag(ctx context.Context) {
	s := w.scene
	client, err := kgo.NewClient(kgo.SeedBrokers(s.Kafka.Bootstrap()...), kgo.ClientID("e2e-lag"),
		kgo.MetadataMinAge(200*time.Millisecond), kgo.RequestRetries(1))
	s.must(err)
	w.work.Go(func() {
		defer client.Close()
		admin := kadm.NewClient(client)
		for {
			if seen, err := readLag(ctx, admin, s.Group(w.Name), w.Topics); err == nil {
				s.Recorder.Add(w.Name+" lag", float64(seen.lag))
				s.Recorder.Add(w.Name+" done", float64(seen.committed))
			}
			if told, err := s.Scaler.Metric("kafka_scaler_decision_value", w.labels()...); err == nil {
				s.Recorder.Add(w.Name+" told", told)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(lagEvery):
			}
		}
	})
}

// labels are those of the workload in the scaler's metrics.
func (w *Workload) labels() []string {
	return []string{fmt.Sprintf("namespace=%q", w.scene.Namespace), fmt.Sprintf("scaledObject=%q", w.Name)}
}

// groupLag is a group's lag and progress, summed over all partitions.
type groupLag struct{ lag, committed int64 }

// readLag counts what is behind the committed offset, or behind the log start
// where nothing was committed.
func readLag(ctx context.Context, admin *kadm.Client, group string, topics []string) (groupLag, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var total groupLag
	commits, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return total, err
	}
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return total, err
	}
	if err := ends.Error(); err != nil {
		return total, err
	}
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return total, err
	}
	for topic, partitions := range ends {
		for partition, end := range partitions {
			from, ok := starts.Lookup(topic, partition)
			if !ok {
				return total, fmt.Errorf("no log start of %s-%d", topic, partition)
			}
			at := from.Offset
			if commit, ok := commits.Lookup(topic, partition); ok {
				at = max(at, commit.At)
				total.committed += commit.At
			}
			total.lag += max(0, end.Offset-at)
		}
	}
	return total, nil
}

// Lag is the group's lag when the test last looked, in records; -1 before that.
func (w *Workload) Lag() int64 {
	points := w.scene.Recorder.Series(w.Name + " lag")
	if len(points) == 0 {
		return -1
	}
	return int64(points[len(points)-1].Value)
}

// Throughput is how many records a second the group finished between two times.
func (w *Workload) Throughput(from, to time.Time) float64 {
	var first, last *point
	for _, p := range w.scene.Recorder.Series(w.Name + " done") {
		if p.At.Before(from) || p.At.After(to) {
			continue
		}
		if first == nil {
			first = &point{p.At, p.Value}
		}
		last = &point{p.At, p.Value}
	}
	if first == nil || !last.at.After(first.at) {
		return 0
	}
	return (last.value - first.value) / last.at.Sub(first.at).Seconds()
}

type point struct {
	at    time.Time
	value float64
}
