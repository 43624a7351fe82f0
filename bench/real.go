package main

import (
	"context"
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/procfs"

	"github.com/kafka-scaler/kafka-scaler/bench/measure"
	"github.com/kafka-scaler/kafka-scaler/bench/report"
	"github.com/kafka-scaler/kafka-scaler/bench/rival"
	"github.com/kafka-scaler/kafka-scaler/bench/scene"
)

const (
	// windows is how many windows each of the scaler and the echo server gets at an interval of a second.
	windows = 2
	// rivalLimit is how long a rival may take for one size.
	rivalLimit = 90 * time.Second
)

// real measures on Apache Kafka: growth in triggers, the greatest size in detail,
// and the rivals.
func (r *session) real(ctx context.Context) error {
	topics := min(1000, max(1, r.objects/10))
	size := scene.Size{Brokers: 3, Topics: topics, Partitions: 10, Groups: max(r.objects, 1000)}
	r.say("Apache Kafka with %+v", size)
	cluster, err := scene.StartReal(ctx, size)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Close() }()
	r.say("it is set up")
	if r.runs(partReal) {
		for _, n := range []int{100, 1000} {
			if n >= r.objects {
				continue
			}
			p, err := r.lab.Alone(ctx, cluster, measure.ByTriggers, n, n)
			if err != nil {
				return err
			}
			r.add(p)
		}
		if err := r.big(ctx, cluster); err != nil {
			return err
		}
	}
	if r.runs(partRivals) {
		r.rivals(ctx, cluster)
	}
	return ctx.Err()
}

// rivals lets each rival take as many triggers as it bears.
func (r *session) rivals(ctx context.Context, cluster *scene.Cluster) {
	for _, who := range rival.All() {
		sizes := []int{100, 300, 1000}
		for _, n := range sizes {
			p := r.lab.Rival(ctx, who, cluster, measure.ByTriggers, n, n, rivalLimit)
			r.add(p)
			if p.Stopped != "" || ctx.Err() != nil {
				break
			}
		}
	}
}

// big measures the greatest size in detail.
func (r *session) big(ctx context.Context, cluster *scene.Cluster) error {
	b := &report.Big{Cluster: cluster.Kind, Size: cluster.Size, Triggers: r.objects}
	if err := r.everySecond(ctx, cluster, b); err != nil {
		return fmt.Errorf("%d triggers at an interval of 1 s: %w", r.objects, err)
	}
	t, err := r.lab.Begin(ctx, cluster, r.objects, 0)
	if err != nil {
		return fmt.Errorf("%d triggers at the default interval: %w", r.objects, err)
	}
	defer t.End()
	if b.Default, err = r.asked(ctx, t, 2, false); err != nil {
		return fmt.Errorf("%d triggers at the default interval: %w", r.objects, err)
	}
	r.result.Big = b
	return nil
}

// everySecond measures at a refresh interval of a second.
func (r *session) everySecond(ctx context.Context, cluster *scene.Cluster, b *report.Big) error {
	t, err := r.lab.Begin(ctx, cluster, r.objects, time.Second)
	if err != nil {
		return err
	}
	defer t.End()
	b.Fill = filled(t)
	r.say("filled after %s, errors %v, %d asked again", t.Filled.Took, t.Filled.First.Errors, t.Filled.Retries)
	if b.Quiet, err = t.Quiet(ctx); err != nil {
		return err
	}
	r.add(t.OwnPoint(measure.ByTriggers, r.objects, b.Quiet))
	if b.EverySecond, err = r.asked(ctx, t, windows, false); err != nil {
		return err
	}
	b.Shared, err = r.asked(ctx, t, 1, true)
	return err
}

func (r *session) asked(ctx context.Context, t *measure.Trial, windows int, share bool) (report.Asked, error) {
	r.lab.Window = r.window
	defer func() { r.lab.Window = quiet }()
	a, err := t.Asked(ctx, windows, share)
	if err != nil {
		return report.Asked{}, err
	}
	r.say("asked: %.1f %% of a core, peak %d MiB, heap %.0f MiB, stacks %.0f MiB, p99 %.2f ms, echo %.2f ms, errors %v %s", 100*a.Cost.Share(), a.Cost.PeakRSS>>20,
		a.Cost.Heap/(1<<20), a.Cost.Stacks/(1<<20), float64(a.Scaler.Quantile(0.99, "GetMetrics", "IsActive").Microseconds())/1000,
		float64(a.Echo.Quantile(0.99, "GetMetrics", "IsActive").Microseconds())/1000, a.Scaler.Errors, a.Scaler.Sample)
	return report.NewAsked(a), nil
}

func filled(t *measure.Trial) report.Fill {
	f, m := t.Filled, t.FillMetrics
	return report.Fill{
		Took: f.Took, Unfilled: f.Unfilled, Errors: f.First.Errors, Retries: f.Retries,
		DirectReads: m.Sum("kafka_scaler_direct_read_duration_seconds_count"),
		Requests:    m.By("kafka_scaler_kafka_request_duration_seconds_count", "api"),
		P99MS:       float64(f.First.Quantile(0.99, "GetMetrics").Microseconds()) / 1000,
		LoadAverage: procfs.LoadAverage(),
	}
}
