package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Consumer is a workload: a real member of a consumer group that takes time for its records.
type Consumer struct {
	Bootstrap []string
	Group     string
	Topics    []string
	// ServiceTime is how long one record takes.
	ServiceTime time.Duration
	// BatchSize and BatchPause make a consumer that takes BatchSize records and then rests; 0 for neither.
	BatchSize  int
	BatchPause time.Duration
	// Slot, if not nil, is asked before each record: a downstream that all consumers share.
	Slot func(ctx context.Context) error
	// MaxRecords ends the work after so many records, as a Job's; 0 for never.
	MaxRecords int
	// Options are added to the client's.
	Options []kgo.Opt
}

const commitInterval = time.Second

// Work consumes until ctx ends or MaxRecords are done, commits what it has
// finished and leaves the group. It is what a pod does: see [Agent].
func (c Consumer) Work(ctx context.Context, pod string) error {
	h := &held{}
	client, err := kgo.NewClient(slices.Concat([]kgo.Opt{
		kgo.SeedBrokers(c.Bootstrap...), kgo.ClientID(pod),
		kgo.ConsumerGroup(c.Group), kgo.ConsumeTopics(c.Topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(commitInterval),
		kgo.SessionTimeout(10 * time.Second), kgo.HeartbeatInterval(500 * time.Millisecond),
		kgo.FetchMaxWait(500 * time.Millisecond), kgo.FetchMaxBytes(1 << 20), kgo.FetchMaxPartitionBytes(64 << 10),
	}, h.options(), c.Options)...)
	if err != nil {
		return err
	}
	defer client.Close()
	c.consume(ctx, client, h)
	// The context of the work has ended by now; what was finished is committed all the same, as a graceful pod does.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(client.CommitMarkedOffsets(last), client.LeaveGroupContext(last))
}

// consume goes on until ctx ends or MaxRecords are done; the client tries again whatever fails.
func (c Consumer) consume(ctx context.Context, client *kgo.Client, h *held) {
	p := pace{took: c.ServiceTime}
	for done := 0; ; {
		limit := 10
		if c.BatchSize > 0 {
			limit = c.BatchSize - done%c.BatchSize
		}
		idle := client.BufferedFetchRecords() == 0
		fetches := client.PollRecords(ctx, limit)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		if idle {
			p.begin(time.Now())
		}
		for _, record := range fetches.Records() {
			if !h.has(record) {
				continue
			}
			if !c.serve(ctx, &p) {
				return
			}
			h.done(client, record)
			if done++; c.MaxRecords > 0 && done >= c.MaxRecords {
				return
			}
			if c.BatchSize > 0 && done%c.BatchSize == 0 {
				if !rest(ctx, c.BatchPause) {
					return
				}
				p.begin(time.Now())
			}
		}
	}
}

// serve works on one record; false means that ctx ended first, and the record is not done.
func (c Consumer) serve(ctx context.Context, p *pace) bool {
	if c.Slot != nil {
		if c.Slot(ctx) != nil {
			return false
		}
		p.begin(time.Now())
	}
	return rest(ctx, time.Until(p.next(time.Now())))
}

func rest(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
