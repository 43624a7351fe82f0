// Package longpoll keeps long polls open at the end of every log that an inactive
// stream depends on, and tells the streams within milliseconds when records come.
package longpoll

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Source waits for records at the end of a log.
type Source interface {
	// Leaders returns a function that tells which broker leads a partition of the topic, as far as is
	// known. It asks nobody.
	Leaders(topic string) func(partition int32) (node int32, ok bool)
	// FindLeaders looks up the leaders of the topics again.
	FindLeaders(ctx context.Context, topics []string) error
	// AwaitRecords waits on the leader until one of the partitions has a log end beyond its offset, at most
	// for so long, and returns those with news, and what it happened to see of them. An error means that nothing
	// is known of any.
	AwaitRecords(ctx context.Context, leader int32, at lag.Position, from []lag.LogWait, most time.Duration) ([]lag.LogWake, error)
}

// Access lets a poller at the store. Nothing waits within Read or Write, which are not nested.
type Access interface {
	// Read runs do while others may read the store too, and Write while nobody else may use it.
	Read(do func(s *store.Store, now store.Stamp))
	Write(do func(s *store.Store, now store.Stamp))
	// Guard runs do, and reports whether it has come to its end. A panic ends do, and nothing else.
	Guard(where string, do func()) (well bool)
}

// Options say how a [Poller] works. All are set by the caller.
type Options struct {
	// Cluster is the cluster's name in logs.
	Cluster string
	// ShardSize is about how many partitions are waited on with one request, and MaxWaitsPerBroker bounds the
	// waits under way on one broker.
	ShardSize, MaxWaitsPerBroker int
	// Interval tells the present time between two refreshes.
	Interval func() time.Duration
	Logger   *zap.Logger
	// Waiting is told what is waited on, whenever that may have changed, and Woken how many partitions a wait
	// found records in.
	Waiting func(Stats)
	Woken   func(partitions int)
}

// Stats are the waits for records.
type Stats struct {
	// Waits is how many requests are open, each on a connection of its own, and Partitions what they name.
	Waits, Partitions int
	// DeniedTopics is how many topics are left to the refresh because their records must not be read.
	DeniedTopics int
}

// Times of the waits.
const (
	// MaxWait is how long a broker may leave a wait without an answer. It is renewed then, and only then.
	MaxWait = 30 * time.Second
	// GatherFor is how long waits that begin are gathered into one request, and gatherMore how many times as
	// long as a pass takes: with thousands of streams, most of the time passes would be under way else.
	GatherFor  = 5 * time.Millisecond
	gatherMore = 20
	// RenewFor is how long before and after their end waits that are renewed are gathered at most, to be composed
	// anew together.
	RenewFor = 100 * time.Millisecond
	// DeniedFor is how long a topic that must not be read is left to the refresh.
	DeniedFor = 10 * time.Minute
	// Partitions that a broker did not wait on are tried again after parkFirst, doubling up to ParkMost.
	parkFirst = 100 * time.Millisecond
	ParkMost  = time.Second
	// findEvery is the least time between two searches for leaders that are not known.
	findEvery = 500 * time.Millisecond
	findFor   = 5 * time.Second
)

// Poller keeps a wait open at the end of every log that an inactive stream depends
// on. One goroutine, run, owns all fields but those that say otherwise.
//
//	streams ──idle──► pass ──► shards: some 400 partitions of one leader each ──► Fetch
//	   ▲                ▲         │ a log has grown
//	   └──── notify ◄───┴─────────┘
//
// What a wait tells is taken in as if it had been read, and only the streams
// concerned are told. The partitions that have grown leave their shard; those that
// are still wanted, because their streams are inactive nevertheless, enter one
// anew at their new end. Everything else stays in its shard, which is armed again
// at once. Shards of one leader are renewed at one time, and composed anew then:
// so partitions that came one by one end up together, and those that nobody wants
// any more are left out. Until then, those that come enter the one shard that
// gathers them (gathering.go).
//
// The refresh goes on meanwhile, at a slower pace for what is waited on as a whole
// (asleep.go). Whatever is lost here is found by it.
type Poller struct {
	Access
	source Source
	opts   Options

	// rearm says that what is wanted may have changed, nudge that the refresh is needed at once.
	rearm, nudge chan struct{}
	// results brings the waits that have ended, found the topics whose leaders have been looked up.
	results chan *shard
	found   chan []string
	// running are the goroutines of waits and searches.
	running sync.WaitGroup

	// sleepers are the queries that inactive streams wait for.
	sleepers sleepers

	passes uint64
	topics map[waitKey]*waitTopic
	shards map[*shard]struct{}
	// open counts the waits under way by leader; renewAt is when those of a lane end.
	open    map[int32]int
	renewAt map[lane]time.Time
	// came is when partitions last came to a lane that others were being waited for in.
	came map[lane]time.Time
	// kept is the newest pass that kept partitions of a lane back until the wait that gathers has ended.
	kept map[lane]uint64
	// denied are the topics that must not be read, and when that is tried again.
	denied map[string]time.Time
	// lost are the topics whose leaders are to be looked up, finding whether a search is under way.
	lost    map[string]struct{}
	finding bool
	findAt  time.Time
	// timer fires at the next pass, which is at next; zero means that none is due.
	timer *time.Timer
	next  time.Time
	// took is how long the newest pass took.
	took time.Duration
}

type waitKey struct {
	topic string
	kind  lag.Position
}

// lane is what the partitions of one request have in common.
type lane struct {
	leader int32
	kind   lag.Position
}

// waitTopic are the waits on one topic in one life of it.
type waitTopic struct {
	life  uint32
	parts []*waitPart // by id; nil where never wanted
	// listeners are the idle entries that depend on it, and leader who leads its partitions, as of the pass mark.
	listeners []*store.Entry
	leader    func(partition int32) (int32, bool)
	mark      uint64
	// whole is set once the pass has seen somebody who wants all partitions, so that the next need not be looked at.
	whole bool
	// awaited is whether all of its partitions are awaited, as of the pass looked.
	awaited bool
	looked  uint64
}

// waitPart is one partition that is, or was, waited on.
type waitPart struct {
	tp lag.TopicPartition
	// shard is the wait that it is in, nil if none.
	shard *shard
	// mark is the newest pass that wanted it, renewing the newest that left it for the next because waits of
	// its leader are being renewed.
	mark, renewing uint64
	// again is the pass for which it was left by a wait that ended by itself.
	again uint64
	// ready is when it may enter a shard again, and only with a log end that was asked for later than after;
	// reread is when the refresh is asked for that one once more.
	ready, reread time.Time
	after         store.Stamp
	// woke is when it last grew, wakes how often it has done so in a row with its stream still inactive;
	// fails counts the failures in a row, the newest on the broker failed.
	woke         time.Time
	wakes, fails uint8
	failed       int32
}

// shard is one wait: some partitions of one leader in one request.
type shard struct {
	lane
	parts []*waitPart
	from  []lag.LogWait
	// began is when the request was made, most how long it may take.
	began time.Time
	most  time.Duration
	// gathers is whether those enter it next who come, for which it ends early.
	gathers bool
	// end interrupts the wait.
	end context.CancelFunc
	// wakes and err are how it ended.
	wakes []lag.LogWake
	err   error
}

// New returns a poller that waits for nothing before [Poller.Run].
func New(access Access, source Source, opts Options) *Poller {
	p := &Poller{
		Access: access, source: source, opts: opts,
		rearm: make(chan struct{}, 1), nudge: make(chan struct{}, 1),
		results: make(chan *shard), found: make(chan []string),
	}
	p.sleepers.of = map[*store.Entry]*sleeper{}
	p.clear()
	return p
}

// Swept says that a sweep has ended: other things may be wanted now.
func (p *Poller) Swept() { signal(p.rearm) }

// Nudges tells when a refresh is needed at once.
func (p *Poller) Nudges() <-chan struct{} { return p.nudge }

// Nudge says that a refresh is needed at once.
func (p *Poller) Nudge() { signal(p.nudge) }

// clear forgets all waits, as at first.
func (p *Poller) clear() {
	for s := range p.shards {
		s.end()
	}
	p.topics, p.shards = map[waitKey]*waitTopic{}, map[*shard]struct{}{}
	p.open, p.renewAt, p.came, p.kept = map[int32]int{}, map[lane]time.Time{}, map[lane]time.Time{}, map[lane]uint64{}
	p.denied, p.lost = map[string]time.Time{}, map[string]struct{}{}
	p.next, p.finding = time.Time{}, false
}

// Run keeps the waits until ctx ends.
func (p *Poller) Run(ctx context.Context) {
	// After a panic, what it left behind is of no use.
	p.clear()
	ctx, end := context.WithCancel(ctx)
	defer p.running.Wait()
	defer end()
	p.timer = time.NewTimer(time.Hour)
	defer p.timer.Stop()
	p.gather(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.rearm:
			p.gather(time.Now())
		case s := <-p.results:
			p.finish(ctx, s)
		case topics := <-p.found:
			p.rerouted(topics)
		case <-p.timer.C:
			p.pass(ctx)
		}
		p.find(ctx)
	}
}

// gather makes a pass due that can wait for more to come.
func (p *Poller) gather(now time.Time) { p.schedule(now.Add(max(GatherFor, gatherMore*p.took))) }

// schedule makes a pass due at a time, or earlier.
func (p *Poller) schedule(at time.Time) {
	if p.next.IsZero() || at.Before(p.next) {
		p.next = at
		p.timer.Reset(time.Until(at))
	}
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
