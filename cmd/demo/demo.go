package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// demo is everything that runs.
type demo struct {
	*options
	screen   *screen
	kafka    *kafka
	scaler   *scaler
	producer *producer
	workers  *workers
	loop     *kedaloop.Loop
	story    *story
	begin    time.Time

	mu     sync.Mutex
	events []kedaloop.Event
}

// run plays the story once. Whatever it started has ended when it returns, and what it made on a
// real cluster is gone.
func run(ctx context.Context, o *options, screen *screen) (err error) {
	d := &demo{options: o, screen: screen, story: &story{partitions: int64(o.partitions)}}
	if d.scaler, err = startScaler(o.scaler); err != nil {
		return err
	}
	defer d.scaler.stop()
	if d.kafka, err = openKafka(ctx, o); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.kafka.close()) }()

	outside := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	d.build(ctx, cancel)
	d.introduce()
	if err := d.awaitAnswer(ctx); err != nil {
		cancel(nil)
		return err
	}
	d.begin = time.Now()
	var running sync.WaitGroup
	running.Go(func() { d.producer.run(ctx) })
	running.Go(func() { d.loop.Run(ctx) })
	defer func() {
		cancel(nil)
		running.Wait()
		d.workers.wait()
	}()

	d.watch(ctx)
	if outside.Err() != nil {
		return errInterrupted
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return d.finish(ctx)
}

// errInterrupted is returned where somebody ended the demo before its end.
var errInterrupted = errors.New("interrupted")

// awaitAnswer waits until the scaler has read the topic once, so that the story begins with an answer.
func (d *demo) awaitAnswer(ctx context.Context) error {
	deadline := time.After(startPatience)
	for {
		e, err := d.explain(ctx)
		if err == nil && e.GetError() == "" {
			d.story.seen(moment{explained: e})
			return nil
		}
		select {
		case <-ctx.Done():
			return errInterrupted
		case <-deadline:
			return fmt.Errorf("the scaler has no answer after %s: %w", startPatience, errors.Join(err, errors.New(e.GetError())))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (d *demo) build(ctx context.Context, cancel context.CancelCauseFunc) {
	d.producer = &producer{client: d.kafka.client, topic: d.topic, partitions: d.partitions}
	d.workers = &workers{ctx: ctx, kafka: d.kafka, fail: cancel}
	d.loop = &kedaloop.Loop{
		Spec:     d.scaling().Faster(d.clockFactor()),
		Client:   pb.NewExternalScalerClient(d.scaler.conn),
		Ref:      &pb.ScaledObjectRef{Name: objectName, Namespace: objectNamespace, ScalerMetadata: d.metadata()},
		Workload: d.workers,
		Observe: func(e kedaloop.Event) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.events = append(d.events, e)
		},
	}
}

// The ScaledObject that the demo plays.
const (
	objectName      = "orders"
	objectNamespace = "demo"
)

func (d *demo) metadata() map[string]string {
	return map[string]string{
		"scalerAddress":     d.scaler.grpcAddress,
		"bootstrapServers":  strings.Join(d.kafka.servers, ","),
		"topic":             d.topic,
		"consumerGroup":     d.group,
		"lagThreshold":      fmt.Sprint(lagThreshold),
		"offsetResetPolicy": "earliest",
	}
}

// watch shows what happens, and turns the load with time, until the story is over, or has had time
// enough and more.
func (d *demo) watch(ctx context.Context) {
	d.screen.head()
	const refresh = 200 * time.Millisecond
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	v := &view{demo: d, load: phases(d.partitions)}
	for ctx.Err() == nil && !d.story.over() && time.Since(d.begin) < patience(d.duration) {
		v.update(ctx)
		select {
		case <-ctx.Done():
		case <-d.scaler.process.Done():
			return
		case <-tick.C:
		}
	}
}

// patience leaves a busy machine time to drain and cool down after the load has ended.
func patience(duration time.Duration) time.Duration { return 2*duration + 30*time.Second }

// explain asks the scaler what it tells KEDA now.
func (d *demo) explain(ctx context.Context) (*kafkascalerv1.Explanation, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	resp, err := kafkascalerv1.NewKafkaScalerServiceClient(d.scaler.conn).Explain(ctx, &kafkascalerv1.ExplainRequest{
		Name: objectName, Namespace: objectNamespace, ScalerMetadata: d.loop.Ref.GetScalerMetadata(),
	})
	if err != nil {
		return nil, err
	}
	if len(resp.GetExplanations()) != 1 {
		return nil, fmt.Errorf("%d explanations of one trigger", len(resp.GetExplanations()))
	}
	return resp.GetExplanations()[0], nil
}

// drain returns what KEDA and the HPA have done since it was last called.
func (d *demo) drain() []kedaloop.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	events := d.events
	d.events = nil
	return events
}
