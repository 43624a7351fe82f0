package longpoll

import (
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// plan decides which waits are to be open: from what is wanted, what is open, and how
// waits have ended. It has no clock, no goroutine and no network: it is told the time, and
// says what to do, and when it has to look again. testdata has its cases.
//
// A look goes over everything that is wanted: look, want for each partition, looked. In
// between, ended takes in how a wait has ended, and rerouted that leaders were looked up.
type plan struct {
	// size is about how many partitions a wait has, and most how many waits a broker may have.
	size, most int

	topics map[logKey]*topicPlan
	lanes  map[lane]*laneWaits
	// denied are the topics that must not be read, and when that is tried again.
	denied map[string]time.Time
	// lost are the topics whose leaders are to be looked up, finding whether a search is under way, and findAt the
	// earliest time of the next.
	lost    map[string]struct{}
	finding bool
	findAt  time.Time
	// next is when to look again; zero while there is no reason to.
	next time.Time

	// now is the time of the look under way, and free the partitions that are wanted and in no wait, in the order in
	// which they were. deniedNow are the topics that would be waited on if they might be read.
	now       time.Time
	free      map[lane]*candidates
	deniedNow map[string]struct{}
	orders    orders
}

// orders are what is to be done.
type orders struct {
	// begin are the waits to be begun, and end those to be interrupted; they have ended when ended is told so.
	begin, end []*wait
	// refresh says that a refresh is needed at once.
	refresh bool
	// disturbed are the logs of which a wait has told something. Until a look finds all their partitions awaited, those who listen
	// to them are refreshed at the usual pace.
	disturbed []logKey
	// denied are topics that turned out not to be readable, and why; failed is how many partitions a wait that failed had.
	denied map[string]error
	failed int
}

// logKey are the logs of a topic, for one kind of reader.
type logKey struct {
	topic string
	kind  lag.Position
}

// lane is what the partitions of one wait have in common.
type lane struct {
	leader int32
	kind   lag.Position
}

// laneWaits are the waits of a lane.
type laneWaits struct {
	waits map[*wait]struct{}
	// renewAt is when they end.
	renewAt time.Time
	// came is when partitions last came while others were being waited for.
	came time.Time
	// keepsBack is set while partitions are kept back until the wait that gathers has ended.
	keepsBack bool
}

// gathers tells whether one of the waits gathers those that come.
func (l *laneWaits) gathers() bool {
	for w := range l.waits {
		if w.gathers {
			return true
		}
	}
	return false
}

// wait is one request: some partitions of one leader.
type wait struct {
	lane
	parts []*part
	from  []lag.LogWait
	// began is when the request was made, most how long it may take.
	began time.Time
	most  time.Duration
	// gathers is whether those enter it next who come, for which it ends early.
	gathers bool
	// interrupted is set once it was ordered to end.
	interrupted bool
}

// topicPlan is what is planned for the logs of a topic, in one incarnation of it.
type topicPlan struct {
	incarnation uint32
	parts       []*part // by id; nil where never wanted
	// wanted is set once the look has seen that it is wanted, by somebody or of all of its partitions.
	wanted, wantedWhole bool
	// leader tells who leads a partition, and listeners are those who want the topic, as of the newest look that
	// wanted it.
	leader    func(partition int32) (node int32, ok bool)
	listeners []*store.Subscription
	// awaited is how many partitions in a row, from the first on, are awaited as of the newest look.
	awaited int
}

// state is what becomes of a partition.
type state uint8

const (
	// outside: it is in no wait, and enters one at the next look that wants it.
	outside state = iota
	// waiting: it is in a wait.
	waiting
	// ended: its wait has ended by itself, and the next look begins another.
	ended
	// renewing: its wait has ended by itself, and others of its lane are about to, to be composed together.
	renewing
	// gathering: it is new, and kept back until those have ended that it is to share a wait with: the one that gathers,
	// or all, where they are about to be renewed.
	gathering
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

var stateNames = [...]string{"outside", "waiting", "ended", "renewing", "gathering", "parked", "leftToRefresh", "denied", "crowded"}

func (s state) String() string { return stateNames[s] }

// part is one partition that is, or was, wanted.
type part struct {
	tp    lag.TopicPartition
	state state
	// wanted is set once the look has seen that it is wanted.
	wanted bool
	// wait is that which it is in, while it is waiting; else nil.
	wait *wait
	// ready is when it may enter a wait again, while it is parked.
	ready time.Time
	// after is the stamp than which its log end must have been asked for later, while it is leftToRefresh, and reread is when the
	// refresh is asked for that once more.
	after  store.Stamp
	reread time.Time
	// woke is when it last grew, wakes how often it has done so in a row with its stream still inactive;
	// fails counts the failures in a row, the newest on the broker failed.
	woke         time.Time
	wakes, fails uint8
	failed       int32
}

// isNew tells whether it was in no wait just before this look.
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
		topics: map[logKey]*topicPlan{}, lanes: map[lane]*laneWaits{},
		denied: map[string]time.Time{}, lost: map[string]struct{}{},
	}
}

// look begins a look at everything that is wanted.
func (p *plan) look(now time.Time) {
	p.now, p.next = now, time.Time{}
	p.free, p.deniedNow = map[lane]*candidates{}, map[string]struct{}{}
	for _, l := range p.lanes {
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
		p.lookAt(part.ready)
	case !known:
		p.park(part, -1)
	default:
		l := lane{node, key.kind}
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

// looked ends a look: it begins the waits that are missing, and ends those of which nothing is
// wanted. A wait of which some is wanted goes on until it is renewed.
func (p *plan) looked() orders {
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
	for _, l := range p.lanes {
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
		if waits := t.passed(); !t.wanted && !waits {
			delete(p.topics, key)
		}
	}
	for key, l := range p.lanes {
		if len(l.waits) == 0 && p.now.Sub(l.came) >= GatheringFor && p.now.Sub(l.renewAt) >= RenewFor {
			delete(p.lanes, key)
		}
	}
}

// passed brings the partitions up to date that this look did not want, counts those that are awaited, and reports
// whether any is in a wait. What was left by a wait, or kept back, and is not wanted, is as new as anything else when
// it is wanted again.
func (t *topicPlan) passed() (waits bool) {
	t.awaited = 0
	for id, part := range t.parts {
		if part == nil {
			continue
		}
		if !part.wanted && slices.Contains([]state{ended, renewing, gathering, crowded}, part.state) {
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
	return part.state == waiting || part.state == renewing || part.state == gathering
}

// awaitsAll reports whether all of so many partitions are awaited, just after a look.
func (t *topicPlan) awaitsAll(partitions int) bool { return t.awaited >= partitions }

// lookAt makes a look due at a time, or earlier.
func (p *plan) lookAt(at time.Time) {
	if p.next.IsZero() || at.Before(p.next) {
		p.next = at
	}
}

// lane returns the waits of a lane.
func (p *plan) lane(l lane) *laneWaits {
	if p.lanes[l] == nil {
		p.lanes[l] = &laneWaits{waits: map[*wait]struct{}{}}
	}
	return p.lanes[l]
}

// open is how many waits are under way on a broker.
func (p *plan) open(leader int32) (n int) {
	for kind := lag.End; kind <= lag.StableEnd; kind++ {
		if l := p.lanes[lane{leader, kind}]; l != nil {
			n += len(l.waits)
		}
	}
	return n
}

// stats count the waits under way.
func (p *plan) stats() Stats {
	stats := Stats{DeniedTopics: len(p.deniedNow)}
	for _, l := range p.lanes {
		stats.Waits += len(l.waits)
		for w := range l.waits {
			stats.Partitions += len(w.parts)
		}
	}
	return stats
}
