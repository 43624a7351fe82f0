package longpoll

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// asleep is a cluster of ten brokers on which nothing happens.
type asleep struct{ store *store.Store }

func (a asleep) Read(do func(*store.Store, store.Stamp))  { do(a.store, 100) }
func (a asleep) Write(do func(*store.Store, store.Stamp)) { do(a.store, 100) }
func (a asleep) Guard(_ string, do func()) bool           { do(); return true }

func (asleep) Leaders(string) func(int32) (int32, bool) {
	return func(p int32) (int32, bool) { return p % 10, true }
}
func (asleep) FindLeaders(context.Context, []string) error { return nil }
func (asleep) AwaitRecords(ctx context.Context, _ int32, _ lag.Position, _ []lag.LogWait, _ time.Duration) ([]lag.LogWake, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// BenchmarkLook is a look at 10,000 partitions of 1,000 topics, on each of which ten groups sleep, where nothing has changed.
func BenchmarkLook(b *testing.B) {
	s := store.New(store.Options{MaxQueries: 1 << 20, MaxPositions: 1 << 20, MaxTopicsPerQuery: 100, MaxPositionsPerQuery: 100, Quota: store.NewQuota(1<<20, 1<<20, 0), Epoch: time.Now()})
	a := asleep{s}
	p := New(a, a, Options{PartitionsPerWait: 400, MaxWaitsPerBroker: 16, Logger: zap.NewNop(), Interval: func() time.Duration { return time.Second }, Waiting: func(Stats) {}, Woken: func(int) {}})
	p.timer = time.NewTimer(time.Hour)
	var subs []*store.Subscription
	for i := range 10_000 {
		q := store.NewQuery(trigger.Selection{ConsumerGroup: fmt.Sprint("g", i), Topics: []string{fmt.Sprint("t", i%1000)}}, time.Minute)
		sub, err := s.Add(q)
		if err != nil {
			b.Fatal(err)
		}
		subs = append(subs, sub)
		p.Attend(sub, 1<<40)
	}
	u := s.Union(subs, 1)
	for _, name := range s.ClaimTopics(u, 1, 2) {
		s.TakeTopic(&lag.Topic{Name: name, ID: [16]byte{1}, Partitions: []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}, 2)
	}
	u = s.Union(subs, 3)
	asks, _ := u.Ends(lag.End).Claim(lag.End, 4)
	for _, ask := range asks {
		for _, id := range ask.Partitions {
			s.TakeLog(s.Topic(ask.Topic), lag.LogOffset{TopicPartition: lag.TopicPartition{Topic: ask.Topic, Partition: id}, Offset: 7}, lag.End, 4, false)
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer p.running.Wait()
	defer cancel()
	p.reconcile(ctx)
	if n := p.plan.stats(); n.Partitions != 10_000 {
		b.Fatalf("%+v", n)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.reconcile(ctx)
	}
}
