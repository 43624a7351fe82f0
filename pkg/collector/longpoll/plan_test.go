package longpoll

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// TestPlan runs the cases of testdata: what happens, and below the line what the plan does about it.
//
//	plan waits=4 size=3                      a broker may have 4 waits, of about 3 partitions each
//	1s sleep orders 0-2 end=10 leader=1      streams become inactive on these partitions (leader=none: not known)
//	2s wake orders 0                         and active again, or have gone
//	3s over w1                               the wait w1 is over, and nothing has happened
//	3s fail w1                               it has failed: the broker is gone
//	3s grown w1 orders-0 12                  it tells of a record; also unclear, shrunk, moved, denied, unknown
//	4s read orders 0 end=12                  the refresh has read this log end
//	4s lead orders 0 2                       the partition has another leader; metadata say so
//	4s found orders                          the leaders of the topic have been looked up
//	5s again orders                          the topic has been created again
//	6s look                                  something may be wanted now
//	7s show                                  tell the state of each partition
//
// The plan is asked to look 5 ms after somebody falls asleep, and whenever it wants to. Waits are numbered as they begin.
func TestPlan(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd != "plan" {
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			var waits, size int
			d.ScanArgs(t, "waits", &waits)
			d.ScanArgs(t, "size", &size)
			s := newTheater(t, waits, size)
			for line := range strings.Lines(d.Input) {
				s.do(strings.Fields(line))
			}
			return strings.Join(s.out, "\n")
		})
	})
}

// epoch is the moment 0s.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// theater plays one case.
type theater struct {
	t    *testing.T
	plan *plan
	now  time.Time
	// wanted is what streams sleep on, and leaders who leads it.
	wanted       map[lag.TopicPartition]wish
	leaders      map[lag.TopicPartition]int32
	incarnations map[string]uint32
	waits        []*wait
	out          []string
}

func newTheater(t *testing.T, waits, size int) *theater {
	return &theater{
		t: t, plan: newPlan(size, waits), now: epoch,
		wanted: map[lag.TopicPartition]wish{}, leaders: map[lag.TopicPartition]int32{}, incarnations: map[string]uint32{},
	}
}

type wish struct {
	end   int64
	asked store.Stamp
}

func (s *theater) say(format string, args ...any) {
	s.out = append(s.out, fmt.Sprintf("%-6s ", s.now.Sub(epoch))+fmt.Sprintf(format, args...))
}

func (s *theater) do(words []string) {
	s.t.Helper()
	at, err := time.ParseDuration(words[0])
	if err != nil {
		s.t.Fatalf("%v: %v", words, err)
	}
	s.advance(at)
	topic := ""
	if len(words) > 2 {
		topic = words[2]
	}
	switch what := words[1]; what {
	case "sleep", "read", "wake", "lead":
		for _, id := range ids(s.t, words[3]) {
			s.change(what, lag.TopicPartition{Topic: topic, Partition: id}, words[4:])
		}
		if what == "sleep" {
			s.plan.reconcileAt(s.now.Add(CoalesceFor))
		}
	case "again":
		s.incarnations[topic]++
	case "found":
		s.plan.rerouted(s.now, []string{topic}, s.leadersOf)
	case "look":
		s.reconcile()
	case "show":
		s.show()
	default:
		s.ended(what, words[2:])
	}
	s.find()
}

// advance has the plan look whenever it wants to, up to a time.
func (s *theater) advance(at time.Duration) {
	for next := s.plan.next; !next.IsZero() && !next.After(epoch.Add(at)); next = s.plan.next {
		s.now = next
		s.reconcile()
	}
	s.now = epoch.Add(at)
}

func (s *theater) change(what string, tp lag.TopicPartition, args []string) {
	for _, arg := range args {
		if leader, ok := strings.CutPrefix(arg, "leader="); ok {
			args = []string{args[0], leader}
		}
	}
	switch what {
	case "wake":
		delete(s.wanted, tp)
	case "lead":
		s.leaders[tp] = number(s.t, args[0])
	default:
		end := number(s.t, strings.TrimPrefix(args[0], "end="))
		s.wanted[tp] = wish{int64(end), store.Stamp(s.now.Sub(epoch)) + 1}
		if what == "sleep" {
			s.leaders[tp] = number(s.t, args[1])
		}
	}
}

// number reads a number; none is -1.
func number(t *testing.T, text string) int32 {
	t.Helper()
	if text == "none" {
		return -1
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return int32(n)
}

func ids(t *testing.T, text string) (ids []int32) {
	t.Helper()
	from, to, many := strings.Cut(text, "-")
	if !many {
		to = from
	}
	for id := number(t, from); id <= number(t, to); id++ {
		ids = append(ids, id)
	}
	return ids
}

func (s *theater) leadersOf(topic string) func(int32) (int32, bool) {
	return func(id int32) (int32, bool) {
		node := s.leaders[lag.TopicPartition{Topic: topic, Partition: id}]
		return node, node >= 0
	}
}

func (s *theater) sleepers() []lag.TopicPartition {
	all := make([]lag.TopicPartition, 0, len(s.wanted))
	for tp := range s.wanted {
		all = append(all, tp)
	}
	slices.SortFunc(all, func(a, b lag.TopicPartition) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}

func (s *theater) reconcile() {
	s.plan.reconcile(s.now)
	for _, tp := range s.sleepers() {
		key := logKey{tp.Topic, lag.End}
		if t := s.plan.wantTopic(key, s.incarnations[tp.Topic], nil, s.leadersOf); t != nil {
			s.plan.want(t, key, tp.Partition, s.wanted[tp].end, s.wanted[tp].asked)
		}
	}
	s.obey(s.plan.reconciled())
	s.find()
}

func (s *theater) find() {
	if topics := s.plan.find(s.now); topics != nil {
		slices.Sort(topics)
		s.say("find the leaders of %s", strings.Join(topics, " "))
	}
}

func (s *theater) obey(o orders) {
	if o.refresh {
		s.say("refresh at once")
	}
	for topic := range o.denied {
		s.say("%s must not be read", topic)
	}
	for _, w := range o.begin {
		s.waits = append(s.waits, w)
		line := fmt.Sprintf("begin w%d on broker %d for %s:", len(s.waits), w.leader, w.most)
		for _, f := range w.from {
			line += fmt.Sprintf(" %s@%d", f.TopicPartition, f.Offset)
		}
		if w.coalesces {
			line += ", coalesces"
		}
		s.say("%s", line)
	}
	for _, w := range o.end {
		s.say("end w%d", slices.Index(s.waits, w)+1)
		s.finish(w, ending{err: errors.New("interrupted")})
	}
}

var reasons = map[string]lag.WakeReason{
	"grown": lag.WakeGrown, "unclear": lag.WakeUnclear, "shrunk": lag.WakeShrunk, "moved": lag.WakeMoved, "denied": lag.WakeDenied, "unknown": lag.WakeFailed,
}

// ended has a wait end, as it is said: over w1, fail w1, or a reason, w1, a partition, and its end if it has grown.
func (s *theater) ended(how string, args []string) {
	n := number(s.t, strings.TrimPrefix(args[0], "w"))
	if int(n) > len(s.waits) {
		s.t.Fatalf("there is no wait %d", n)
	}
	e := ending{}
	if how == "fail" {
		e.err = errors.New("connection refused")
	}
	if reason, known := reasons[how]; known {
		topic, id, _ := strings.Cut(args[1], "-")
		tp := lag.TopicPartition{Topic: topic, Partition: number(s.t, id)}
		e.wakes = []lag.LogWake{{TopicPartition: tp, Reason: reason, Err: errors.New(how)}}
		if how == "grown" {
			s.wanted[tp] = wish{int64(number(s.t, args[2])), s.wanted[tp].asked}
		}
	} else if how != "over" && how != "fail" {
		s.t.Fatalf("%q is nothing that happens", how)
	}
	s.finish(s.waits[n-1], e)
}

func (s *theater) finish(w *wait, e ending) {
	e.at, e.interval, e.soon = store.Stamp(s.now.Sub(epoch))+1, time.Second, CoalesceFor
	if !s.plan.has(w) {
		s.t.Fatalf("%s: the wait has ended already", s.now.Sub(epoch))
	}
	s.obey(s.plan.ended(s.now, w, e))
}

func (s *theater) show() {
	for _, key := range slices.SortedFunc(maps.Keys(s.plan.topics), func(a, b logKey) int { return strings.Compare(a.topic, b.topic) }) {
		for _, part := range s.plan.topics[key].parts {
			if part == nil {
				continue
			}
			line := fmt.Sprintf("%s is %s", part.tp, part.state)
			switch part.state {
			case waiting:
				line += fmt.Sprintf(" in w%d", slices.Index(s.waits, part.wait)+1)
			case parked:
				line += fmt.Sprintf(" until %s", part.ready.Sub(epoch))
			}
			s.say("%s", line)
		}
	}
}
