package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"gonum.org/v1/gonum/stat"

	"github.com/kafka-scaler/kafka-scaler/e2e/timeline"
)

// lagEvery is how often the test itself looks at a group's lag.
const lagEvery = 500 * time.Millisecond

// watchLag records the group's lag, how many records of how many partitions it has finished, and what the scaler
// tells KEDA of it, until ctx ends.
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
				s.Recorder.AddAt(w.Name+" done", seen.at, float64(seen.committed))
				s.Recorder.Add(w.Name+" partitions", float64(seen.partitions))
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
type groupLag struct {
	lag int64
	// committed is the sum of the offsets that were committed at a time, for so many partitions.
	committed, partitions int64
	at                    time.Time
}

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
	total.at = time.Now()
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
				total.partitions++
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

// WaitCommitted fails the test unless the group has committed for n partitions within a time: by then its members
// have their shares. When their pods are ready, they have yet to join.
func (w *Workload) WaitCommitted(n int, within time.Duration) {
	w.scene.T.Helper()
	w.scene.Eventually(within, fmt.Sprintf("%s has committed for %d partitions", w.Name, n), func() bool {
		points := w.scene.Recorder.Series(w.Name + " partitions")
		return len(points) > 0 && int(points[len(points)-1].Value) >= n
	})
}

// Throughput is how many records a second the group finished between two times: the slope of the straight line
// that comes closest to all that was seen, because members commit at the same moments, now and then, and one look
// just before them or just after makes a second's difference.
func (w *Workload) Throughput(from, to time.Time) float64 {
	var seen []timeline.Point
	for _, p := range w.scene.Recorder.Series(w.Name + " done") {
		if !p.At.Before(from) && !p.At.After(to) {
			seen = append(seen, p)
		}
	}
	return slope(seen)
}

// slope is that of the regression line through points, per second; 0 where there is no line.
func slope(points []timeline.Point) float64 {
	if len(points) == 0 || !points[len(points)-1].At.After(points[0].At) {
		return 0
	}
	seconds, values := make([]float64, len(points)), make([]float64, len(points))
	for i, p := range points {
		seconds[i], values[i] = p.At.Sub(points[0].At).Seconds(), p.Value
	}
	_, slope := stat.LinearRegression(seconds, values, nil, false)
	return slope
}
