//go:build realkafka

package acceptance

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// stage is a topic that the steps of one case are done to.
type stage struct {
	topic  string
	config map[string]string
	client *kafka.Client
	id     int
	// end is where the steps have put the high watermark.
	end int64
	// open are the transactions that are open, by name, and began where they begin: the last stable offset is
	// at the first of them.
	open  map[string]*kafkabroker.Transaction
	began map[string]int64
}

// clean are properties with which the cleaner of the logs is at work at once. What is in a segment longer than
// segment.ms is no longer in the active one, once there is another record.
var clean = map[string]string{
	"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0", "delete.retention.ms": "0", "segment.ms": "200",
}

func setStage(ctx context.Context, t *testing.T, topic string, config map[string]string) *stage {
	t.Helper()
	s := &stage{topic: topic, config: config, open: map[string]*kafkabroker.Transaction{}, began: map[string]int64{}}
	if config["cleanup.policy"] == "compact" {
		s.config = clean
	}
	s.client, _ = newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	must(t, cluster.CreateTopic(ctx, topic, 1, 1, s.config))
	t.Cleanup(func() {
		for _, open := range s.open {
			must(t, open.End(context.Background(), false))
		}
	})
	return s
}

// stable is the last stable offset.
func (s *stage) stable() int64 {
	stable := s.end
	for _, began := range s.began {
		stable = min(stable, began)
	}
	return stable
}

// do does one step of testdata/lag.txt, where they are explained.
func (s *stage) do(ctx context.Context, t *testing.T, step string) {
	t.Helper()
	words := strings.Fields(step)
	word, last := words[0], words[len(words)-1]
	n, _ := strconv.ParseInt(last, 10, 64)
	switch word {
	case "produce":
		s.produce(ctx, t, make([]*kgo.Record, n)...)
	case "old", "large", "key", "tombstone":
		s.produceSpecial(ctx, t, word, words[1], n)
	case "committed", "aborted":
		s.id++
		must(t, cluster.ProduceTransaction(ctx, fmt.Sprintf("%s-%d", s.topic, s.id), s.topic, 0, int(n), word == "committed"))
		s.end += n + 1
	case "begin", "commits", "aborts", "hang":
		s.transact(ctx, t, word, words[1], n)
	case "delete-before":
		s.settled(ctx, t) // the markers come late
		must(t, cluster.DeleteRecords(ctx, s.topic, 0, n))
	case "commit":
		must(t, cluster.Commit(ctx, s.topic, s.topic, map[int32]int64{0: n}))
	case "expire":
		must(t, cluster.ExpireCommit(ctx, s.topic, s.topic, 0, 1))
	case "recreate":
		must(t, cluster.DeleteTopic(ctx, s.topic), cluster.CreateTopic(ctx, s.topic, 1, 1, s.config))
		s.end = 0
	case "new-segment":
		time.Sleep(300 * time.Millisecond) // longer than segment.ms
	case "removed":
		s.removed(ctx, t, n)
	default:
		t.Fatalf("unknown step %q", step)
	}
}

// produce writes records, each in a batch of its own where there are several with a key.
func (s *stage) produce(ctx context.Context, t *testing.T, all ...*kgo.Record) {
	t.Helper()
	for i := range all {
		if all[i] == nil {
			all[i] = &kgo.Record{Value: []byte("x")}
		}
		all[i].Topic = s.topic
	}
	must(t, cluster.ProduceRecords(ctx, all...))
	s.end += int64(len(all))
}

func (s *stage) produceSpecial(ctx context.Context, t *testing.T, word, key string, n int64) {
	t.Helper()
	if word == "tombstone" {
		s.produce(ctx, t, &kgo.Record{Key: []byte(key)})
		return
	}
	for range n {
		r := &kgo.Record{Value: []byte("x")}
		switch word {
		case "old":
			r.Timestamp = time.Now().Add(-time.Hour)
		case "large":
			r.Value = make([]byte, 600<<10)
			_, _ = rand.Read(r.Value) // else they would be small once compressed
		case "key":
			r.Key = []byte(key)
		}
		s.produce(ctx, t, r)
	}
}

// transact is about transactions that are open for longer than one step.
func (s *stage) transact(ctx context.Context, t *testing.T, word, name string, n int64) {
	t.Helper()
	if word == "commits" || word == "aborts" {
		must(t, s.open[name].End(ctx, word == "commits"))
		delete(s.open, name)
		delete(s.began, name)
		s.end++
		s.settled(ctx, t)
		return
	}
	open, err := cluster.BeginTransaction(ctx, s.topic+"-"+name, s.topic, 0, int(n))
	must(t, err)
	if word == "hang" {
		open.Abandon()
	} else {
		s.open[name] = open
	}
	s.began[name] = s.end
	s.end += n
}

// removed waits until the record at the offset is gone, with all those before it that the same broker's task
// removes, and then sees that it is gone for whoever consumes.
func (s *stage) removed(ctx context.Context, t *testing.T, offset int64) {
	t.Helper()
	eventually(t, func() bool {
		if s.offset(ctx, t, lag.Start) > offset {
			return true
		}
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Bootstrap()...), kgo.KeepControlRecords(),
			kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: {0: kgo.NewOffset().At(offset)}}))
		must(t, err)
		defer client.Close()
		// Where no record is left there is nothing to wait for: the log's start tells it, a moment later.
		soon, stop := context.WithTimeout(ctx, time.Second)
		defer stop()
		fetches := client.PollFetches(soon)
		if soon.Err() != nil && ctx.Err() == nil {
			return false
		}
		must(t, fetches.Err())
		records := fetches.Records()
		return len(records) > 0 && records[0].Offset > offset
	})
}

// settled waits until the log is as the steps have left it: the broker writes the
// markers of a transaction after it has said that it ended.
func (s *stage) settled(ctx context.Context, t *testing.T) {
	t.Helper()
	eventually(t, func() bool {
		return s.offset(ctx, t, lag.End) == s.end && s.offset(ctx, t, lag.StableEnd) == s.stable()
	})
}

// offset reads a position of the log, -1 where it cannot be read now.
func (s *stage) offset(ctx context.Context, t *testing.T, at lag.Position) int64 {
	t.Helper()
	if p := logOffsets(ctx, t, s.client, at, partitions(s.topic, 1))[lag.TopicPartition{Topic: s.topic}]; p.err == nil {
		return p.offset
	}
	return -1
}
