// Package scene sets up the Kafka clusters that the benchmark reads: topics with
// records, and consumer groups with commits, half of them behind.
package scene

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"golang.org/x/sync/errgroup"
)

// Formats of the names. Group i reads topic i modulo the number of topics.
const (
	TopicFormat = "bench-topic-%04d"
	GroupFormat = "bench-group-%05d"
)

const (
	// written is how many records each partition has, read how many of them a group that is behind has committed.
	written, read = 5, 3
	// inParallel is how many commits are made at once.
	inParallel = 16
	// producedAtOnce bounds the records that wait to be sent.
	producedAtOnce = 10_000
)

// Size is how much there is in a cluster.
type Size struct {
	Brokers    int `json:"brokers"`
	Topics     int `json:"topics"`
	Partitions int `json:"partitions"` // of each topic
	Groups     int `json:"groups"`
}

// Topic is the name of topic i.
func Topic(i int) string { return fmt.Sprintf(TopicFormat, i) }

// Group is the name of group i.
func Group(i int) string { return fmt.Sprintf(GroupFormat, i) }

// TopicOf is the topic that group i reads.
func (s Size) TopicOf(i int) string { return Topic(i % s.Topics) }

// Lag is how many records group i has left to read, before [Churn] changes that.
// Every other topic has readers that are behind, so that half of the partitions
// are idle.
func (s Size) Lag(i int) int64 {
	if s.isBehind(i % s.Topics) {
		return int64(s.Partitions) * (written - read)
	}
	return 0
}

// isBehind tells whether the readers of topic i are behind.
func (s Size) isBehind(i int) bool { return i%2 == 0 }

// half is how many topics have readers that are behind, and how many have idle ones.
func (s Size) half() int { return max(1, s.Topics/2) }

// ofKind is the nth topic whose readers are behind, or are not, beginning again after the last.
func (s Size) ofKind(behind bool, n int) int {
	topic := 2 * (n % s.half())
	if s.isBehind(topic) != behind {
		topic++
	}
	return topic
}

// topicNames are the names of all topics.
func (s Size) topicNames() []string {
	names := make([]string, s.Topics)
	for i := range names {
		names[i] = Topic(i)
	}
	return names
}

// client returns a client of the cluster. It stays below the versions that name
// topics by id, so that commits can name them.
func client(bootstrap []string) (*kgo.Client, error) {
	return kgo.NewClient(kgo.SeedBrokers(bootstrap...), kgo.ClientID("bench-seed"), kgo.MaxVersions(kversion.V3_8_0()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(2*producedAtOnce))
}

// seed writes the records and makes the commits. The topics exist.
func (s Size) seed(ctx context.Context, bootstrap []string) error {
	c, err := client(bootstrap)
	if err != nil {
		return err
	}
	defer c.Close()
	var records []*kgo.Record
	for _, topic := range s.topicNames() {
		for p := range int32(s.Partitions) {
			for range written {
				records = append(records, &kgo.Record{Topic: topic, Partition: p, Value: []byte("x")})
			}
		}
	}
	for some := range slices.Chunk(records, producedAtOnce) {
		if err := c.ProduceSync(ctx, some...).FirstErr(); err != nil {
			return fmt.Errorf("write records: %w", err)
		}
	}
	committing, ctx := errgroup.WithContext(ctx)
	committing.SetLimit(inParallel)
	for i := range s.Groups {
		offset := int64(written)
		if s.Lag(i) > 0 {
			offset = read
		}
		ends := make(map[int32]int64, s.Partitions)
		for p := range int32(s.Partitions) {
			ends[p] = offset
		}
		committing.Go(func() error { return s.commit(ctx, c, i, ends) })
	}
	return committing.Wait()
}

// commit commits offsets for group i, by partition. A group's coordinator may take a
// second to be there.
func (s Size) commit(ctx context.Context, c *kgo.Client, i int, offsets map[int32]int64) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = Group(i), -1
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = s.TopicOf(i)
	for p, offset := range offsets {
		partition := kmsg.NewOffsetCommitRequestTopicPartition()
		partition.Partition, partition.Offset = p, offset
		topic.Partitions = append(topic.Partitions, partition)
	}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, c)
	if err != nil {
		return fmt.Errorf("commit for %s: %w", req.Group, err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return fmt.Errorf("commit for %s: error %d", req.Group, p.ErrorCode)
			}
		}
	}
	return nil
}

// Churn makes the cluster live until ctx ends. Each second so many topics whose
// readers are behind get a record, and so many whose readers are idle; those commit
// it a second later, and are idle again.
func Churn(ctx context.Context, bootstrap []string, s Size, behind, idle int) error {
	c, err := client(bootstrap)
	if err != nil {
		return err
	}
	defer c.Close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var unread map[int]*kgo.Record
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			// Whoever comes next finds half of the readers idle.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			return s.catchUp(last, c, unread)
		case <-tick.C:
		}
		if err := s.catchUp(ctx, c, unread); err != nil && ctx.Err() == nil {
			return err
		}
		var records []*kgo.Record
		if records, unread = s.next(turn, behind, idle); ctx.Err() != nil {
			continue
		}
		// The records of a turn are on their way once they are sent: with ctx, some might never be committed.
		if err := c.ProduceSync(context.WithoutCancel(ctx), records...).FirstErr(); err != nil {
			return fmt.Errorf("write records: %w", err)
		}
	}
}

// next are the records of one second, and those among them that idle readers get, by topic.
func (s Size) next(turn, behind, idle int) (records []*kgo.Record, unread map[int]*kgo.Record) {
	unread = map[int]*kgo.Record{}
	add := func(n int, behind bool) {
		topic := s.ofKind(behind, n)
		if topic >= s.Topics {
			return
		}
		r := &kgo.Record{Topic: Topic(topic), Partition: int32(n / s.half() % s.Partitions), Value: []byte("x")}
		records = append(records, r)
		if !behind {
			unread[topic] = r
		}
	}
	for i := range behind {
		add(turn*behind+i, true)
	}
	for i := range idle {
		add(turn*idle+i, false)
	}
	return records, unread
}

// catchUp lets all groups of the topics commit that they have read the record.
func (s Size) catchUp(ctx context.Context, c *kgo.Client, unread map[int]*kgo.Record) error {
	for topic, r := range unread {
		for group := topic; group < s.Groups; group += s.Topics {
			if err := s.commit(ctx, c, group, map[int32]int64{r.Partition: r.Offset + 1}); err != nil {
				return err
			}
		}
	}
	return nil
}
