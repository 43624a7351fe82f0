package main

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// producer appends records to all partitions in turn, at a rate that others set.
type producer struct {
	client     *kgo.Client
	topic      string
	partitions int32

	rate  atomic.Int64 // records a second
	acked atomic.Int64
	first atomic.Pointer[time.Time] // when the first record was acknowledged
}

const produceEvery = 50 * time.Millisecond

// run produces until ctx ends. It catches up on what a busy machine made it miss.
func (p *producer) run(ctx context.Context) {
	tick := time.NewTicker(produceEvery)
	defer tick.Stop()
	last, owed, next := time.Now(), 0.0, int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			owed += float64(p.rate.Load()) * now.Sub(last).Seconds()
			last = now
		}
		for ; owed >= 1; owed-- {
			p.produce(ctx, next)
			next++
		}
	}
}

func (p *producer) produce(ctx context.Context, n int64) {
	r := &kgo.Record{Topic: p.topic, Partition: int32(n % int64(p.partitions)), Value: strconv.AppendInt(nil, n, 10)}
	p.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
		if err != nil {
			return // it shows: the record is not counted
		}
		if p.acked.Add(1) == 1 {
			now := time.Now()
			p.first.Store(&now)
		}
	})
}
