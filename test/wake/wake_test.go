//go:build realkafka

package wake

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
)

const (
	topics     = 1000
	partitions = 10
	// idleFor is one renewal of all waits.
	idleFor = 30 * time.Second
)

// BenchmarkWakeFromIdle prints, for each way of learning about a record, the time
// from the producer's acknowledgement until the scaler says true. All run in turn
// on the same brokers; -benchtime is of no use to it.
func BenchmarkWakeFromIdle(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	cluster, err := kafkabroker.Start(ctx, kafkabroker.Options{Brokers: 3, HeapMB: 512})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cluster.Close() }()
	binary := build(b)
	world := prepare(ctx, b, cluster)
	for _, way := range ways() {
		b.Run(way.name, func(b *testing.B) {
			s := &scene{B: b, ctx: ctx, world: world, way: way}
			s.product = start(b, binary, cluster.Bootstrap(), way)
			way.measure(s)
		})
	}
}

// way is one way to learn of a record.
type way struct {
	name string
	// push and refresh are the cluster's pushActivation and refreshInterval.
	push    string
	refresh time.Duration
	// objects is how many ScaledObjects there are, samples how many wakes are measured.
	objects, samples int
	measure          func(*scene)
}

func ways() []way {
	return []way{
		{"partitions=10000/push", "fetch", time.Second, topics, 400, (*scene).streams},
		{"partitions=1/push", "fetch", time.Second, 1, 60, (*scene).streams},
		{"partitions=10000/poll=1s", "poll", time.Second, topics, 100, (*scene).streams},
		{"partitions=10000/poll=30s", "poll", time.Second, topics, 100, (*scene).polls},
	}
}

// world is what stays from one scene to the next.
type world struct {
	producer *kgo.Client
	admin    *kadm.Client
	// ends are the log ends of each topic's partitions; single is the index of the topic with one partition.
	mu   sync.Mutex
	ends [][]int64
}

func topicOf(i int) string { return fmt.Sprintf("wake-%d", i) }

// prepare makes the topics, the last with one partition, and groups that have read nothing of nothing.
func prepare(ctx context.Context, b *testing.B, cluster *kafkabroker.Cluster) *world {
	b.Helper()
	var names []string
	for i := range topics {
		names = append(names, topicOf(i))
	}
	for chunk := range slices.Chunk(names, 100) {
		if err := cluster.CreateTopics(ctx, chunk, partitions, 1, nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := cluster.CreateTopic(ctx, topicOf(topics), 1, 1, nil); err != nil {
		b.Fatal(err)
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(cluster.Bootstrap()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0), kgo.MetadataMaxAge(time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(producer.Close)
	w := &world{producer: producer, admin: kadm.NewClient(producer)}
	for i := range topics + 1 {
		n := partitions
		if i == topics {
			n = 1
		}
		w.ends = append(w.ends, make([]int64, n))
	}
	var commits errgroup.Group
	commits.SetLimit(8)
	for i := range w.ends {
		commits.Go(func() error { return w.commit(ctx, i) })
	}
	if err := commits.Wait(); err != nil {
		b.Fatal(err)
	}
	return w
}

// commit has the topic's group read everything.
func (w *world) commit(ctx context.Context, i int) error {
	offsets := kadm.Offsets{}
	w.mu.Lock()
	for p, end := range w.ends[i] {
		offsets.AddOffset(topicOf(i), int32(p), end, -1)
	}
	w.mu.Unlock()
	_, err := w.admin.CommitOffsets(ctx, topicOf(i), offsets)
	return err
}

// produce writes one record and returns when it was acknowledged.
func (w *world) produce(ctx context.Context, i int) (time.Time, error) {
	p := rand.IntN(len(w.ends[i]))
	err := w.producer.ProduceSync(ctx, &kgo.Record{Topic: topicOf(i), Partition: int32(p), Value: []byte("wake up")}).FirstErr()
	acknowledged := time.Now()
	w.mu.Lock()
	w.ends[i][p]++
	w.mu.Unlock()
	return acknowledged, err
}

// scene is one way of waking.
type scene struct {
	*testing.B
	way
	ctx     context.Context
	world   *world
	product *product
}

func (s *scene) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// first is the index of the first topic of the scene.
func (s *scene) first() int {
	if s.objects == 1 {
		return topics
	}
	return 0
}

func (s *scene) ref(i int) *pb.ScaledObjectRef {
	return &pb.ScaledObjectRef{Namespace: "bench", Name: topicOf(i), ScalerMetadata: map[string]string{
		"cluster": "bench", "consumerGroup": topicOf(i), "topic": topicOf(i),
		"maxSnapshotAge": "30s",
	}}
}

// streams measures what a stream says.
func (s *scene) streams() {
	ctx, cancel := context.WithCancel(s.ctx)
	var open sync.WaitGroup
	defer func() { cancel(); open.Wait() }()
	said := make([]chan event, s.objects)
	for i := range said {
		said[i] = make(chan event, 100)
		stream, err := s.product.StreamIsActive(ctx, s.ref(s.first()+i))
		s.check(err)
		open.Go(func() {
			for {
				m, err := stream.Recv()
				if err != nil {
					return
				}
				said[i] <- event{m.GetResult(), time.Now()}
			}
		})
	}
	s.settle(ctx)
	s.idle(ctx)
	s.report(s.wakes(ctx, said))
}

type event struct {
	active bool
	at     time.Time
}

// settle waits until everything is waited on, or, without waits, has been read.
func (s *scene) settle(ctx context.Context) {
	want := float64(s.objects * len(s.world.ends[s.first()]))
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		m, err := s.product.metrics(ctx)
		s.check(err)
		if m[`wait_partitions{cluster="bench"}`] == want || m[`wait_partitions{cluster="bench"}`] == 0 && m[`queries{cluster="bench"}`] == float64(s.objects) && m[`refresh_duration_seconds_count{cluster="bench"}`] > 5 {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("%v partitions are waited on, want %v", m[`wait_partitions{cluster="bench"}`], want)
		}
	}
}

// idle measures what it costs that nothing happens.
func (s *scene) idle(ctx context.Context) {
	before, err := s.product.metrics(ctx)
	s.check(err)
	used, err := s.product.cpu()
	s.check(err)
	time.Sleep(idleFor)
	now, err := s.product.cpu()
	s.check(err)
	after, err := s.product.metrics(ctx)
	s.check(err)
	s.ReportMetric(after[`kafka_connections{cluster="bench"}`], "connections")
	s.ReportMetric(100*(now-used).Seconds()/idleFor.Seconds(), "idle-cpu-%")
	s.ReportMetric(requests(after, "Fetch")-requests(before, "Fetch"), "waits-per-30s")
	s.ReportMetric(requests(after, "")-requests(after, "Fetch")-requests(before, "")+requests(before, "Fetch"), "reads-per-30s")
}

// wakes wakes one group after the other and puts it to sleep again.
func (s *scene) wakes(ctx context.Context, said []chan event) (took []time.Duration) {
	awake := make([]bool, s.objects)
	pause := 50 * time.Millisecond
	if s.push == "poll" {
		pause = s.refresh // or each sample would begin just after a refresh, where the one before has ended
	}
	for range s.samples {
		i := rand.IntN(s.objects)
		for ; awake[i]; i = rand.IntN(s.objects) {
			s.fallAsleep(ctx, said, awake)
		}
		acknowledged, err := s.world.produce(ctx, s.first()+i)
		s.check(err)
		select {
		case e := <-said[i]:
			if !e.active {
				s.Fatalf("%s says false", topicOf(s.first()+i))
			}
			took = append(took, e.at.Sub(acknowledged))
		case <-time.After(time.Minute):
			s.Fatalf("%s does not wake", topicOf(s.first()+i))
		}
		awake[i] = true
		s.check(s.world.commit(ctx, s.first()+i))
		time.Sleep(rand.N(pause))
		s.fallAsleep(ctx, said, awake)
	}
	return took
}

// fallAsleep takes in what has been said meanwhile.
func (s *scene) fallAsleep(ctx context.Context, said []chan event, awake []bool) {
	for i := range awake {
		if !awake[i] {
			continue
		}
		select {
		case e := <-said[i]:
			awake[i] = e.active
		default:
		}
	}
	if s.objects == 1 && awake[0] {
		select {
		case e := <-said[0]:
			awake[0] = e.active
		case <-ctx.Done():
		}
	}
	if s.objects == 1 {
		time.Sleep(20 * time.Millisecond) // until it is waited on again
	}
}

// polls measures KEDA's default: asking every 30 s, each object at a moment of its own.
func (s *scene) polls() {
	const interval = 30 * time.Second // KEDA's default
	took := make([]time.Duration, s.samples)
	var all errgroup.Group
	for i := range s.samples {
		all.Go(func() error {
			time.Sleep(rand.N(interval))
			due := time.Now().Add(rand.N(interval))
			acknowledged, err := s.world.produce(s.ctx, i)
			if err != nil {
				return err
			}
			for {
				time.Sleep(time.Until(due))
				answer, err := s.product.IsActive(s.ctx, s.ref(i))
				if err != nil {
					return err
				}
				if answer.GetResult() {
					took[i] = time.Since(acknowledged)
					return s.world.commit(s.ctx, i)
				}
				due = due.Add(interval)
			}
		})
	}
	s.check(all.Wait())
	s.report(took)
}

func (s *scene) report(took []time.Duration) {
	slices.Sort(took)
	at := func(q float64) float64 { return took[int(q*float64(len(took)-1))].Seconds() * 1000 }
	s.ReportMetric(0, "ns/op")
	s.ReportMetric(at(0.50), "p50-ms")
	s.ReportMetric(at(0.95), "p95-ms")
	s.ReportMetric(at(0.99), "p99-ms")
	s.ReportMetric(at(1), "max-ms")
}
