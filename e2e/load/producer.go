// Package load produces records at a rate that can be changed while it runs.
package load

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Producer writes records to topics, evenly, at a rate.
type Producer struct {
	client *kgo.Client
	topics []string
	value  []byte

	rate         atomic.Int64
	acknowledged atomic.Int64
	failed       atomic.Int64
	stop         context.CancelFunc
	done         chan struct{}
	sent         int
}

// tick is how often the producer writes what is due.
const tick = 50 * time.Millisecond

// Even makes every record go to the next partition: for the topic of a group,
// where a partition that gets more than its share would be another experiment.
func Even() kgo.Opt { return kgo.RecordPartitioner(kgo.RoundRobinPartitioner()) }

// Start starts to produce records of size bytes to the topics in turn, at rate
// records a second over all of them; 0 until [Producer.SetRate]. Without [Even]
// records go out in large batches.
func Start(bootstrap []string, size int, rate int64, topics []string, opts ...kgo.Opt) (*Producer, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(bootstrap...), kgo.ClientID("e2e-load"),
		kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite(),
		kgo.ProducerLinger(5 * time.Millisecond), kgo.MaxBufferedRecords(1_000_000),
		kgo.MetadataMinAge(200 * time.Millisecond), kgo.MetadataMaxAge(5 * time.Second),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("make a producer: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Producer{client: client, topics: topics, value: make([]byte, size), stop: stop, done: make(chan struct{})}
	p.rate.Store(rate)
	go p.run(ctx)
	return p, nil
}

// SetRate changes the rate to so many records a second.
func (p *Producer) SetRate(rate int64) { p.rate.Store(rate) }

// Acknowledged is how many records the brokers have.
func (p *Producer) Acknowledged() int64 { return p.acknowledged.Load() }

// Stop stops producing and waits until the brokers have what was sent. It
// returns an error if any record was lost.
func (p *Producer) Stop() error {
	p.stop()
	<-p.done
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := p.client.Flush(ctx)
	p.client.Close()
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if lost := p.failed.Load(); lost > 0 {
		return fmt.Errorf("%d records were not written", lost)
	}
	return nil
}

func (p *Producer) run(ctx context.Context) {
	defer close(p.done)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last, due := time.Now(), 0.0
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			due += now.Sub(last).Seconds() * float64(p.rate.Load())
			last = now
			for ; due >= 1; due-- {
				p.write(ctx)
			}
		}
	}
}

func (p *Producer) write(ctx context.Context) {
	record := &kgo.Record{Topic: p.topics[p.sent%len(p.topics)], Value: p.value}
	p.sent++
	// Stop flushes what was sent: the end of the run must not take it back.
	p.client.Produce(context.WithoutCancel(ctx), record, func(_ *kgo.Record, err error) {
		if err != nil {
			p.failed.Add(1)
			return
		}
		p.acknowledged.Add(1)
	})
}
