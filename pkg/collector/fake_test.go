package collector

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// API is one of the three things that a cluster is asked for.
type api string

const (
	metadata    api = "Topics"
	offsetFetch api = "Commits"
	listOffsets api = "LogOffsets"
	listStarts  api = "LogOffsets of starts"
)

// cluster is a Source with brokers that can be slow, hang or fail. Of all moments
// at which a broker could read, it takes the worst for whoever compares commits with
// log ends: commits when the answer leaves, log ends when the request is made.
type cluster struct {
	brokers int
	// behave says how a broker meets a call: how long it takes and whether it fails. Nil is at once and well.
	behave func(a api, broker int) (time.Duration, error)

	mu     sync.Mutex
	topics map[string]*fakeTopic
	groups map[string]map[lag.TopicPartition]int64
	// epochs are the leader epochs of commits, whichever group made them, and share are the share groups.
	epochs map[lag.TopicPartition]int32
	share  map[string]bool
	calls  map[api]int
	// asked are the groups and partitions of all calls.
	asked map[api]int
	log   []api
}

type fakeTopic struct {
	id     [16]byte
	starts []int64
	ends   []int64
	stable []int64
	// leaders are the leader epochs that descriptions name, and answering those of the leaders that tell log ends; nil
	// where brokers do not tell.
	leaders, answering []int32
}

func newCluster(brokers int) *cluster {
	return &cluster{
		brokers: brokers, topics: map[string]*fakeTopic{}, groups: map[string]map[lag.TopicPartition]int64{},
		calls: map[api]int{}, asked: map[api]int{},
	}
}

// with gives access to the cluster's state.
func (c *cluster) with(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *cluster) topic(name string, id byte, ends ...int64) *cluster {
	c.with(func() {
		c.topics[name] = &fakeTopic{id: [16]byte{id}, starts: make([]int64, len(ends)), ends: ends, stable: slices.Clone(ends)}
	})
	return c
}

// commit sets the group's commits from partition 0 on; negative ones are left out.
func (c *cluster) commit(group, topic string, offsets ...int64) *cluster {
	c.with(func() {
		if c.groups[group] == nil {
			c.groups[group] = map[lag.TopicPartition]int64{}
		}
		for i, offset := range offsets {
			tp := lag.TopicPartition{Topic: topic, Partition: int32(i)}
			delete(c.groups[group], tp)
			if offset >= 0 {
				c.groups[group][tp] = offset
			}
		}
	})
	return c
}

func (c *cluster) broker(name string, partition int32) int {
	n := int(partition)
	for _, r := range name {
		n += int(r)
	}
	return n % c.brokers
}

func (c *cluster) count(a api) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[a]
}

func (c *cluster) total(a api) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[a]
}

func (c *cluster) note(a api, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[a]++
	c.asked[a] += n
	c.log = append(c.log, a)
}

// meet waits as long as the broker takes.
func (c *cluster) meet(ctx context.Context, a api, broker int) error {
	if c.behave == nil {
		return ctx.Err()
	}
	d, err := c.behave(a, broker)
	if d > 0 {
		if !pace.Sleep(ctx, d) {
			return unavailable(ctx.Err())
		}
	}
	return err
}

func unavailable(err error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: "ask", Object: "broker", Err: err}
}

var errDown = unavailable(errors.New("connection refused"))

func unknownTopic(name string) error {
	return &fault.Error{Kind: fault.NotFound, Op: "describe", Object: name, Err: errors.New("unknown topic or partition")}
}

func (c *cluster) Topics(ctx context.Context, names []string) ([]lag.Topic, error) {
	c.note(metadata, len(names))
	if err := c.meet(ctx, metadata, 0); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if names == nil {
		for name := range c.topics {
			names = append(names, name)
		}
	}
	var answer []lag.Topic
	for _, name := range names {
		t := c.topics[name]
		if t == nil {
			answer = append(answer, lag.Topic{Name: name, Err: unknownTopic(name)})
			continue
		}
		d := lag.Topic{Name: name, ID: t.id, LeaderEpochs: slices.Clone(t.leaders)}
		for i := range t.ends {
			d.Partitions = append(d.Partitions, int32(i))
		}
		answer = append(answer, d)
	}
	return answer, nil
}

func (c *cluster) LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	a := listOffsets
	if at == lag.Start {
		a = listStarts
	}
	byBroker := map[int][]lag.LogOffset{}
	n := 0
	c.mu.Lock()
	for _, tps := range parts {
		for _, p := range tps.Partitions {
			b := c.broker(tps.Topic, p)
			byBroker[b] = append(byBroker[b], c.logOffset(lag.TopicPartition{Topic: tps.Topic, Partition: p}, at))
			n++
		}
	}
	c.mu.Unlock()
	c.note(a, n)
	fanOut(byBroker, func(b int, answers []lag.LogOffset) []lag.LogOffset {
		if err := c.meet(ctx, a, b); err != nil {
			for i := range answers {
				answers[i].Offset, answers[i].Err = -1, err
			}
		}
		return answers
	}, deliver)
}

func (c *cluster) logOffset(tp lag.TopicPartition, at lag.Position) lag.LogOffset {
	t := c.topics[tp.Topic]
	if t == nil || int(tp.Partition) >= len(t.ends) {
		return lag.LogOffset{TopicPartition: tp, Offset: -1, Err: unknownTopic(tp.Topic)}
	}
	offsets := map[lag.Position][]int64{lag.End: t.ends, lag.StableEnd: t.stable, lag.Start: t.starts}[at]
	o := lag.LogOffset{TopicPartition: tp, Offset: offsets[tp.Partition], LeaderEpoch: lag.NoLeaderEpoch}
	if t.answering != nil && at != lag.Start {
		o.LeaderEpoch = t.answering[tp.Partition]
	}
	return o
}

func (c *cluster) Commits(ctx context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits)) {
	c.note(offsetFetch, len(groups))
	byBroker := map[int][]lag.GroupTopics{}
	for _, g := range groups {
		b := c.broker(g.Group, 0)
		byBroker[b] = append(byBroker[b], g)
	}
	fanOut(byBroker, func(b int, groups []lag.GroupTopics) []lag.GroupCommits {
		err := c.meet(ctx, offsetFetch, b)
		c.mu.Lock()
		defer c.mu.Unlock()
		answers := make([]lag.GroupCommits, len(groups))
		for i, g := range groups {
			answers[i] = lag.GroupCommits{Group: g.Group, ReadAt: time.Now(), Err: err}
			if err == nil {
				answers[i].Commits = c.commits(g)
				if c.share[g.Group] {
					answers[i].Kind = lag.KindShare
				}
			}
		}
		return answers
	}, deliver)
}

func (c *cluster) commits(g lag.GroupTopics) (answer []lag.Commit) {
	committed := c.groups[g.Group]
	if g.Topics == nil {
		for tp, offset := range committed {
			answer = append(answer, lag.Commit{TopicPartition: tp, Offset: offset, LeaderEpoch: c.epoch(tp, offset)})
		}
		return answer
	}
	for _, tps := range g.Topics {
		for _, p := range tps.Partitions {
			tp := lag.TopicPartition{Topic: tps.Topic, Partition: p}
			offset, ok := committed[tp]
			if !ok {
				offset = lag.NoCommit
			}
			answer = append(answer, lag.Commit{TopicPartition: tp, Offset: offset, LeaderEpoch: c.epoch(tp, offset)})
		}
	}
	return answer
}

func (c *cluster) epoch(tp lag.TopicPartition, committed int64) int32 {
	if epoch, known := c.epochs[tp]; known && committed >= 0 {
		return epoch
	}
	return lag.NoLeaderEpoch
}

// fanOut asks all brokers at once and delivers each one's answer as it comes, never two at a time.
func fanOut[Ask, Answer any](byBroker map[int][]Ask, meet func(int, []Ask) []Answer, deliver func([]Answer)) {
	var all sync.WaitGroup
	var one sync.Mutex
	for b, asks := range byBroker {
		all.Go(func() {
			answers := meet(b, asks)
			one.Lock()
			defer one.Unlock()
			deliver(answers)
		})
	}
	all.Wait()
}

// start runs a collector on the cluster until the test ends.
func start(t *testing.T, source Source, opts Options) *Collector {
	t.Helper()
	c := New(source, opts)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return c
}

func query(group string, topics ...string) *Query {
	return NewQuery(trigger.Selection{ConsumerGroup: group, Topics: topics}, 10*time.Second)
}

// snapshot fails the test where there is none.
func snapshot(t *testing.T, c *Collector, q *Query) *Snapshot {
	t.Helper()
	s, err := c.Snapshot(context.Background(), q)
	if err != nil {
		t.Fatalf("Snapshot: %v", err)
	}
	return s
}

// What a cluster that is nothing but this one does not know: members, records and their times, and who leads.

func (c *cluster) GroupView(_ context.Context, group string) lag.GroupView {
	return lag.GroupView{Group: lag.Group{Name: group, Members: -1}}
}

func (c *cluster) Inspect(_ context.Context, _ bool, looks []lag.Look, deliver func([]lag.Sight)) {
	sights := make([]lag.Sight, len(looks))
	for i, look := range looks {
		sights[i] = lag.Sight{TopicPartition: look.TopicPartition, Clear: look.From}
	}
	deliver(sights)
}

func (c *cluster) OffsetsForTimes(_ context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	var answers []lag.LogOffset
	for tp := range times {
		answers = append(answers, lag.LogOffset{TopicPartition: tp, Err: errDown})
	}
	deliver(answers)
}

func (c *cluster) Leaders(string) func(int32) (int32, bool) {
	return func(int32) (int32, bool) { return 0, false }
}

func (c *cluster) FindLeaders(context.Context, []string) error { return nil }

func (c *cluster) AwaitRecords(ctx context.Context, _ int32, _ lag.Position, _ []lag.LogWait, _ time.Duration) ([]lag.LogWake, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// live are the queries in the refresh, as one scope.
func (c *Collector) live() *sweep.Scope { return sweep.NewScope(queries{c}.Live()) }
