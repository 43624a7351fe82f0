package measure

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/kafka-scaler/kafka-scaler/bench/device"
	"github.com/kafka-scaler/kafka-scaler/bench/load"
	"github.com/kafka-scaler/kafka-scaler/bench/scene"
)

// BadDay is one thing that goes wrong, and what was seen.
type BadDay struct {
	What string `json:"what"`
	Want string `json:"want"`
	Seen string `json:"seen"`
	OK   bool   `json:"ok"`
}

// small is the size of the clusters of bad days.
var small = scene.Size{Brokers: 3, Topics: 100, Partitions: 10, Groups: 300} //nolint:gochecknoglobals // a constant

// BlackHole takes one of three clusters away, without a word, and looks at the others.
func (l *Lab) BlackHole(ctx context.Context) (BadDay, error) {
	day := BadDay{What: "one of three clusters answers nothing any more", Want: "the other two keep their figures: no error, and as many refreshes"}
	names := []string{"one", "two", "three"}
	clusters := map[string]*scene.Cluster{}
	bootstrap := map[string][]string{}
	for _, name := range names {
		c, err := scene.StartFake(ctx, small)
		if err != nil {
			return day, err
		}
		defer func() { _ = c.Close() }()
		clusters[name], bootstrap[name] = c, c.Bootstrap
	}
	s, conn, err := l.device(bootstrap)
	if err != nil {
		return day, err
	}
	defer s.Stop()
	defer func() { _ = conn.Close() }()
	healthy := append(load.Objects("one", small, small.Groups), load.Objects("two", small, small.Groups)...)
	if f := load.Fill(ctx, conn, append(load.Objects("three", small, small.Groups), healthy...), time.Second); f.Unfilled > 0 || f.Wrong != "" {
		return day, fmt.Errorf("%d objects without a value, %s", f.Unfilled, f.Wrong)
	}
	pause(ctx, settle)
	before, err := l.figures(ctx, s, conn, healthy)
	if err != nil {
		return day, err
	}
	for node := range small.Brokers {
		clusters["three"].Fake.Hang(int32(node))
	}
	pause(ctx, settle)
	during, err := l.figures(ctx, s, conn, healthy)
	if err != nil {
		return day, err
	}
	day.Seen = fmt.Sprintf("before: %s; during: %s", before, during)
	day.OK = during.failed == 0 && during.refreshes >= 0.8*before.refreshes
	return day, nil
}

// figures are those of the healthy clusters.
type figures struct {
	failed    int
	p99       time.Duration
	refreshes float64
	ageP99    float64
}

func (f figures) String() string {
	return fmt.Sprintf("%d errors, %.2f refreshes a second and cluster, p99 %.1f ms, age p99 <= %g s", f.failed, f.refreshes, ms(f.p99), f.ageP99)
}

func (l *Lab) figures(ctx context.Context, s *device.Scaler, conn *grpc.ClientConn, objects []load.Object) (figures, error) {
	before, err := read(s)
	if err != nil {
		return figures{}, err
	}
	r := load.Run(ctx, conn, objects, load.Pace{Poll: 2 * time.Second, HPA: time.Second}, l.Window)
	after, err := read(s)
	if err != nil {
		return figures{}, err
	}
	f := figures{failed: r.Failed(), p99: r.Quantile(0.99, "GetMetrics", "IsActive")}
	for _, name := range []string{"one", "two"} {
		c := cost(before, after, nil, name)
		f.refreshes += c.Refreshes / c.Span.Seconds() / 2
		f.ageP99 = max(f.ageP99, c.AgeP99)
	}
	return f, nil
}

// device starts a scaler for several clusters.
func (l *Lab) device(bootstrap map[string][]string) (*device.Scaler, *grpc.ClientConn, error) {
	l.started++
	s, err := device.Start(l.Binary, filepath.Join(l.Dir, fmt.Sprintf("scaler-%d", l.started)), device.Options{
		Clusters: bootstrap, Interval: time.Second, Limits: l.Limits,
	})
	if err != nil {
		return nil, nil, err
	}
	conn, err := load.Dial(s.Address)
	if err != nil {
		s.Stop()
	}
	return s, conn, err
}

// slowBy is how long the slow broker takes to answer.
const slowBy = 2 * time.Second

// SlowBroker makes one of three brokers answer late, and looks at how old the
// numbers of each partition are.
func (l *Lab) SlowBroker(ctx context.Context) (BadDay, error) {
	day := BadDay{What: fmt.Sprintf("one of three brokers answers after %s", slowBy), Want: "only its own partitions and groups are late, and none is unknown"}
	cluster, err := scene.StartFake(ctx, small)
	if err != nil {
		return day, err
	}
	defer func() { _ = cluster.Close() }()
	s, conn, err := l.device(map[string][]string{clusterName: cluster.Bootstrap})
	if err != nil {
		return day, err
	}
	defer s.Stop()
	defer func() { _ = conn.Close() }()
	objects := load.Objects(clusterName, small, small.Groups)
	if f := load.Fill(ctx, conn, objects, time.Second); f.Unfilled > 0 || f.Wrong != "" {
		return day, fmt.Errorf("%d objects without a value, %s", f.Unfilled, f.Wrong)
	}
	const slow = 1
	cluster.Fake.Slow(slow, slowBy)
	pause(ctx, 3*settle)
	var own, others ages
	for range 5 {
		if err := lookAt(ctx, conn, cluster, objects, slow, &own, &others); err != nil {
			return day, err
		}
		pause(ctx, 700*time.Millisecond)
	}
	day.Seen = fmt.Sprintf("age of its own partitions: %s; of all others: %s", own, others)
	day.OK = own.unknown+others.unknown == 0 && others.most < 2500*time.Millisecond
	return day, nil
}

// ages are those of partitions.
type ages struct {
	n, unknown int
	most, sum  time.Duration
}

func (a ages) String() string {
	return fmt.Sprintf("%.1f s on average, %.1f s at most, %d of %d unknown", a.sum.Seconds()/float64(max(1, a.n)), a.most.Seconds(), a.unknown, a.n)
}

// maxAge is the default of maxSnapshotAge: what is older is unknown, and KEDA gets an error.
const maxAge = 10 * time.Second

func (a *ages) add(p *kafkascalerv1.Partition, now time.Time) {
	a.n++
	if !p.GetObservedAt().IsValid() {
		a.unknown++
		return
	}
	age := now.Sub(p.GetObservedAt().AsTime())
	if age > maxAge {
		a.unknown++
	}
	a.sum += age
	a.most = max(a.most, age)
}

// lookAt asks for the partitions of a sample of objects, all at once because an
// explanation may wait for the slow broker itself, and tells those apart that are
// led, or whose group is coordinated, by it.
func lookAt(ctx context.Context, conn *grpc.ClientConn, cluster *scene.Cluster, objects []load.Object, slow int32, own, others *ages) error {
	client := kafkascalerv1.NewKafkaScalerServiceClient(conn)
	var mu sync.Mutex
	asking, ctx := errgroup.WithContext(ctx)
	for i := 0; i < len(objects); i += 5 {
		asking.Go(func() error {
			ref := objects[i].Ref
			x, err := client.Explain(ctx, &kafkascalerv1.ExplainRequest{Name: ref.GetName(), Namespace: ref.GetNamespace(), ScalerMetadata: ref.GetScalerMetadata()})
			if err != nil {
				return fmt.Errorf("explain: %w", err)
			}
			coordinated := cluster.Fake.CoordinatorFor(scene.Group(i)) == slow
			mu.Lock()
			defer mu.Unlock()
			for _, e := range x.GetExplanations() {
				// The moment of the decision, by the scaler's clock: how long the explanation took is no age.
				now := e.GetObservedAt().AsTime().Add(e.GetSnapshotAge().AsDuration())
				for _, p := range e.GetPartitions() {
					if coordinated || cluster.Fake.LeaderFor(p.GetTopic(), p.GetPartition()) == slow {
						own.add(p, now)
					} else {
						others.add(p, now)
					}
				}
			}
			return nil
		})
	}
	return asking.Wait()
}
