package longpoll

import (
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// plan decides which waits are to be open: from what is wanted, what is open, and how
// waits have ended. It has no clock, no goroutine and no network: it is told the time, and
// says what to do, and when it is to be reconciled next. testdata has its cases.
//
// To reconcile is to go over everything that is wanted: reconcile, want for each partition,
// reconciled. In between, ended takes in how a wait has ended, and rerouted that leaders were looked up.
type plan struct {
	// size is about how many partitions a wait has, and most how many waits a broker may have.
	size, most int

	topics map[logKey]*topicPlan
	waits  map[waitKey]*waitSet
	// denied are the topics that must not be read, and when that is tried again.
	denied map[string]time.Time
	// lost are the topics whose leaders are to be looked up, finding whether a search is under way, and findAt the
	// earliest time of the next.
	lost    map[string]struct{}
	finding bool
	findAt  time.Time
	// next is when to reconcile again; zero while there is no reason to.
	next time.Time

	// now is the time of the reconcile under way, and free the partitions that are wanted and in no wait, in the order in
	// which they were. deniedNow are the topics that would be waited on if they might be read.
	now       time.Time
	free      map[waitKey]*candidates
	deniedNow map[string]struct{}
	orders    orders
}

// orders are what is to be done.
type orders struct {
	// begin are the waits to be begun, and end those to be interrupted; they have ended when ended is told so.
	begin, end []*wait
	// refresh says that a refresh is needed at once.
	refresh bool
	// disturbed are the logs of which a wait has told something. Those who listen to them are refreshed at the
	// usual pace until a reconcile shows that all their partitions are awaited.
	disturbed []logKey
	// denied are topics that turned out not to be readable, and why; failed is how many partitions a wait that failed had.
	denied map[string]error
	failed int
}

// logKey are the logs of a topic, for readers of one isolation level.
type logKey struct {
	topic     string
	isolation lag.Position
}

// waitKey is what the partitions of one wait have in common.
type waitKey struct {
	leader    int32
	isolation lag.Position
}

// waitSet are the waits of a key.
type waitSet struct {
	waits map[*wait]struct{}
	// renewAt is when they end.
	renewAt time.Time
	// came is when partitions last came while others were being waited for.
	came time.Time
	// keepsBack is set while partitions are kept back until the coalescing wait has ended.
	keepsBack bool
}

// coalesces tells whether one of the waits is a coalescing one.
func (l *waitSet) coalesces() bool {
	for w := range l.waits {
		if w.coalesces {
			return true
		}
	}
	return false
}

// wait is one long poll: a Fetch that a leader holds open for some of its partitions.
type wait struct {
	waitKey
	parts []*part
	from  []lag.LogWait
	// began is when the request was made, most how long it may take.
	began time.Time
	most  time.Duration
	// coalesces is whether partitions that come are to share the next wait with these, for which this one ends early.
	coalesces bool
	// interrupted is set once it was ordered to end.
	interrupted bool
}

// topicPlan is what is planned for the logs of a topic, in one incarnation of it.
type topicPlan struct {
	incarnation uint32
	parts       []*part // by id; nil where never wanted
	// wanted is set once the reconcile under way has seen that it is wanted, by somebody or of all of its partitions.
	wanted, wantedWhole bool
	// leader tells who leads a partition, and listeners are those who want the topic, as of the newest reconcile that
	// wanted it.
	leader    func(partition int32) (node int32, ok bool)
	listeners []*store.Subscription
	// awaited is how many partitions in a row, from the first on, are awaited as of the newest reconcile.
	awaited int
}

// state is what becomes of a partition.
type state uint8

const (
	// outside: it is in no wait, and enters one at the next reconcile that wants it.
	outside state = iota
	// waiting: it is in a wait.
	waiting
	// ended: its wait has ended by itself, and the next reconcile begins another.
	ended
	// renewing: its wait has ended by itself, and others of its key are about to, to be composed together.
	renewing
	// coalescing: it is new, and kept back until the wait has ended whose partitions it is to join: the coalescing one, or
	// all, where they are about to be renewed.
	coalescing
	// parked: it is kept out until a time.
	parked
	// leftToRefresh: it is kept out until its log end has been read again: only a read that waits for the leader to
	// know its end can tell.
	leftToRefresh
	// denied: its records must not be read.
	denied
	// crowded: it is wanted, and its broker has no connection left for another wait.
	crowded
)

var stateNames = [...]string{"outside", "waiting", "ended", "renewing", "coalescing", "parked", "leftToRefresh", "denied", "crowded"}

func (s state) String() string { return stateNames[s] }

// part is one partition that is, or was, wanted.
type part struct {
	tp    lag.TopicPartition
	state state
	// wanted is set once the reconcile under way has seen that it is wanted.
	wanted bool
	// wait is that which it is in, while it is waiting; else nil.
	wait *wait
	// ready is when it may enter a wait again, while it is parked.
	ready time.Time
	// after is a stamp: while it is leftToRefresh, its log end must have been asked for later than that. reread is when
	// the refresh is asked for it again.
	after  store.Stamp
	reread time.Time
	// woke is when it last grew, wakes how often it has done so in a row with its stream still inactive;
	// fails counts the failures in a row, the newest on the broker failed.
	woke         time.Time
	wakes, fails uint8
	failed       int32
}

// isNew tells whether it was in no wait just before this reconcile.
func (part *part) isNew() bool { return part.state != ended && part.state != renewing }

// leave takes it out of its wait, if it is in one.
func (part *part) leave(to state) { part.state, part.wait = to, nil }

type candidates struct {
	parts []*part
	from  []lag.LogWait
}

func (c *candidates) add(part *part, at lag.LogWait) {
	c.parts, c.from = append(c.parts, part), append(c.from, at)
}

func newPlan(size, most int) *plan {
	return &plan{
		size: size, most: most,
		topics: map[logKey]*topicPlan{}, waits: map[waitKey]*waitSet{},
		denied: map[string]time.Time{}, lost: map[string]struct{}{},
	}
}

// reconcile begins to go over everything that is wanted.
func (p *plan) reconcile(now time.Time) {
	p.now, p.next = now, time.Time{}
	p.free, p.deniedNow = map[waitKey]*candidates{}, map[string]struct{}{}
	for _, l := range p.waits {
		l.keepsBack = false
	}
	for _, t := range p.topics {
		t.wanted, t.wantedWhole = false, false
		for _, part := range t.parts {
			if part != nil {
				part.wanted = false
			}
		}
	}
}

// wantTopic says that somebody wants some partitions of a topic, in an incarnation of it. leaders tells who leads them. It
// returns nil where none can be waited on.
func (p *plan) wantTopic(key logKey, incarnation uint32, who *store.Subscription, leaders func(topic string) func(int32) (int32, bool)) *topicPlan {
	if until, known := p.denied[key.topic]; known {
		p.deniedNow[key.topic] = struct{}{}
		if p.now.Before(until) {
			return nil
		}
	}
	t := p.topics[key]
	if t == nil || t.incarnation != incarnation {
		if t != nil {
			// A wait of an earlier incarnation is of no interest any more.
			for _, part := range t.parts {
				if part != nil {
					part.leave(outside)
				}
			}
		}
		t = &topicPlan{incarnation: incarnation}
		p.topics[key] = t
	}
	if !t.wanted {
		t.wanted, t.leader, t.listeners = true, leaders(key.topic), t.listeners[:0]
	}
	t.listeners = append(t.listeners, who)
	return t
}

// want says that a partition of a topic is wanted, with the log end that is known, and when that was asked for.
func (p *plan) want(t *topicPlan, key logKey, id int32, end int64, asked store.Stamp) {
	part := t.part(key.topic, id)
	if part.wanted {
		return
	}
	part.wanted = true
	node, known := t.leader(id)
	switch part.state {
	case waiting:
		if !known || part.wait.leader == node {
			return
		}
		part.leave(outside) // it has moved on without the old leader saying so
	case leftToRefresh:
		if asked <= part.after {
			p.read(part)
			return
		}
		part.state = parked
	}
	switch {
	case part.state == parked && p.now.Before(part.ready):
		p.reconcileAt(part.ready)
	case !known:
		p.park(part, -1)
	default:
		l := waitKey{node, key.isolation}
		free := p.free[l]
		if free == nil {
			free = &candidates{}
			p.free[l] = free
		}
		free.add(part, lag.LogWait{TopicPartition: part.tp, Offset: end})
	}
}

func (t *topicPlan) part(topic string, id int32) *part {
	if missing := int(id) + 1 - len(t.parts); missing > 0 {
		t.parts = append(t.parts, make([]*part, missing)...)
	}
	if t.parts[id] == nil {
		t.parts[id] = &part{tp: lag.TopicPartition{Topic: topic, Partition: id}}
	}
	return t.parts[id]
}

// reconciled ends that: it begins the waits that are missing, and ends those of which nothing is
// wanted. A wait of which some is wanted goes on until it is renewed.
func (p *plan) reconciled() orders {
	p.dropUnwanted()
	p.fillAll()
	p.free = nil
	p.forget()
	return p.take()
}

// take returns the orders since the last time.
func (p *plan) take() orders {
	o := p.orders
	p.orders = orders{}
	return o
}

// dropUnwanted ends the waits of which nothing is wanted.
func (p *plan) dropUnwanted() {
	for _, l := range p.waits {
		for w := range l.waits {
			if !w.isWanted() {
				p.interrupt(w)
			}
		}
	}
}

func (w *wait) isWanted() bool {
	for _, part := range w.parts {
		if part.wait == w && part.wanted {
			return true
		}
	}
	return false
}

// interrupt has a wait end, and takes its partitions out.
func (p *plan) interrupt(w *wait) {
	for _, part := range w.parts {
		if part.wait == w {
			part.leave(outside)
		}
	}
	if !w.interrupted {
		w.interrupted = true
		p.orders.end = append(p.orders.end, w)
	}
}

// forget drops what is not wanted and in no wait.
func (p *plan) forget() {
	for key, t := range p.topics {
		if waits := t.review(); !t.wanted && !waits {
			delete(p.topics, key)
		}
	}
	for key, l := range p.waits {
		if len(l.waits) == 0 && p.now.Sub(l.came) >= CoalescingFor && p.now.Sub(l.renewAt) >= RenewFor {
			delete(p.waits, key)
		}
	}
}

// review brings the partitions up to date that this reconcile did not want, counts those that are awaited, and reports
// whether any is in a wait. A partition that its wait has left, or that was kept back, counts as new when it is wanted
// again.
func (t *topicPlan) review() (waits bool) {
	t.awaited = 0
	for id, part := range t.parts {
		if part == nil {
			continue
		}
		if !part.wanted && slices.Contains([]state{ended, renewing, coalescing, crowded}, part.state) {
			part.state = outside
		}
		if id == t.awaited && part.isAwaited() {
			t.awaited++
		}
		waits = waits || part.state == waiting
	}
	return waits
}

// awaits reports whether a partition is in a wait, or between one and the next.
func (t *topicPlan) awaits(id int32) bool {
	return int(id) < len(t.parts) && t.parts[id] != nil && t.parts[id].isAwaited()
}

func (part *part) isAwaited() bool {
	return part.state == waiting || part.state == renewing || part.state == coalescing
}

// awaitsAll reports whether all of so many partitions are awaited, just after a reconcile.
func (t *topicPlan) awaitsAll(partitions int) bool { return t.awaited >= partitions }

// reconcileAt makes a reconcile due at a time, or earlier.
func (p *plan) reconcileAt(at time.Time) {
	if p.next.IsZero() || at.Before(p.next) {
		p.next = at
	}
}

// waitsAt returns the waits of a key.
func (p *plan) waitsAt(l waitKey) *waitSet {
	if p.waits[l] == nil {
		p.waits[l] = &waitSet{waits: map[*wait]struct{}{}}
	}
	return p.waits[l]
}

// open is how many waits are under way on a broker.
func (p *plan) open(leader int32) (n int) {
	for isolation := lag.End; isolation <= lag.StableEnd; isolation++ {
		if l := p.waits[waitKey{leader, isolation}]; l != nil {
			n += len(l.waits)
		}
	}
	return n
}

// stats count the waits under way.
func (p *plan) stats() Stats {
	stats := Stats{DeniedTopics: len(p.deniedNow)}
	for _, l := range p.waits {
		stats.Waits += len(l.waits)
		for w := range l.waits {
			stats.Partitions += len(w.parts)
		}
	}
	return stats
}
