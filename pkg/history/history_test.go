package history_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/history"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// part is a partition of topic orders as Kafka tells it.
func part(id int32, committed, end int64) lag.Offsets {
	return lag.Offsets{TopicPartition: lag.TopicPartition{Topic: "orders", Partition: id}, Committed: committed, LogEnd: end, ObservedAt: start}
}

func at(after time.Duration, parts ...lag.Offsets) []lag.Offsets {
	for i := range parts {
		parts[i].ObservedAt = start.Add(after)
	}
	return parts
}

func report(rules lag.Rules, parts ...lag.Offsets) *lag.Report {
	rules.MaxAge = time.Minute
	r := lag.Compute(rules, parts, parts[0].ObservedAt)
	r.Group.Name = "payments"
	return &r
}

// stable is a group whose members have these partitions of topic orders.
func stable(after time.Duration, has ...[]int32) *lag.Membership {
	var members []lag.Member
	for i, ids := range has {
		m := lag.Member{ID: string(rune('a' + i)), Subscribed: []string{"orders"}, SubscriptionKnown: true}
		if len(ids) > 0 {
			m.Assigned = []lag.TopicPartitions{{Topic: "orders", Partitions: ids}}
		}
		members = append(members, m)
	}
	g := lag.Group{Name: "payments", Kind: lag.KindClassic, State: "Stable", Members: len(members)}
	return lag.NewMembership(g, members, 0, start.Add(after))
}

func TestObserve(t *testing.T) {
	var h history.History
	m := stable(0, []int32{0, 2}, []int32{1}, nil)
	o, err := h.Observe(nil, report(lag.Rules{}, part(0, 5, 9), part(1, 7, 7), part(2, 0, 100)), m)
	if err != nil {
		t.Fatal(err)
	}
	want := latency.Observation{
		At: start, State: latency.Stable, Members: 3, Generation: m.Assignment,
		Partitions: []latency.Partition{
			{ID: 0, Owner: 0, LogEnd: 9, Committed: 5},
			{ID: 1, Owner: 1, LogEnd: 7, Committed: 7},
			{ID: 2, Owner: 0, LogEnd: 100, Committed: 0},
		},
	}
	if d := cmp.Diff(want, o); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Where the group goes on by the rules about lag, and what is not known stays so.
func TestPositions(t *testing.T) {
	tp := lag.TopicPartition{Topic: "orders"}
	phantom := &lag.Inspection{Committed: 5, LogEnd: 9, Empty: true}
	for name, tc := range map[string]struct {
		rules lag.Rules
		part  lag.Offsets
		want  int64
	}{
		"behind":                   {lag.Rules{}, lag.Offsets{Committed: 5, LogEnd: 9}, 5},
		"no commit, latest":        {lag.Rules{}, lag.Offsets{Committed: lag.NoCommit, LogStart: 2, LogEnd: 9}, 9},
		"no commit, earliest":      {lag.Rules{ResetPolicy: lag.Earliest}, lag.Offsets{Committed: lag.NoCommit, LogStart: 2, LogEnd: 9}, 2},
		"no commit, no start":      {lag.Rules{ResetPolicy: lag.Earliest}, lag.Offsets{Committed: lag.NoCommit, LogStart: lag.Unknown, LogEnd: 9}, latency.UnknownOffset},
		"no commit, ignored":       {lag.Rules{ZeroOnInvalidOffset: true}, lag.Offsets{Committed: lag.NoCommit, LogEnd: 9}, 9},
		"retention was faster":     {lag.Rules{}, lag.Offsets{Committed: 5, LogStart: 7, LogEnd: 9}, 7},
		"beyond the end, latest":   {lag.Rules{}, lag.Offsets{Committed: 50, LogStart: 2, LogEnd: 9}, 8},
		"beyond the end, earliest": {lag.Rules{ResetPolicy: lag.Earliest}, lag.Offsets{Committed: 50, LogStart: 2, LogEnd: 9}, 2},
		"markers only":             {lag.Rules{}, lag.Offsets{Committed: 5, LogEnd: 9, Inspected: phantom}, 9},
		"stuck": {
			rules: lag.Rules{ExcludePersistent: true, PersistentAfter: time.Second},
			part:  lag.Offsets{Committed: 5, LogEnd: 9, StalledSince: start.Add(-time.Hour)},
			want:  5,
		},
		"end never read": {lag.Rules{}, lag.Offsets{Committed: 5, LogEnd: lag.Unknown}, latency.UnknownOffset},
		"too old":        {lag.Rules{}, lag.Offsets{Committed: 5, LogEnd: 9, ObservedAt: start.Add(-time.Hour)}, latency.UnknownOffset},
	} {
		var h history.History
		if tc.part.TopicPartition = tp; tc.part.ObservedAt.IsZero() {
			tc.part.ObservedAt = start
		}
		tc.rules.MaxAge = time.Minute
		r := lag.Compute(tc.rules, []lag.Offsets{tc.part}, start)
		o, err := h.Observe(nil, &r, stable(0, []int32{0}))
		p := o.Partitions[0]
		if p.Committed != tc.want || (p.LogEnd < 0) != (tc.want < 0) || (err != nil) != (tc.want < 0) {
			t.Errorf("%s: %d of %d, want %d; %v", name, p.Committed, p.LogEnd, tc.want, err)
		}
	}
}

// What has been found to be no record is not work again when the next record comes, so that the group does not seem to
// go back; a commit that does go back is seen.
func TestPhantomLagStaysDone(t *testing.T) {
	var h history.History
	observe := func(after time.Duration, committed, end int64, empty bool) int64 {
		p := part(0, committed, end)
		if empty {
			p.Inspected = &lag.Inspection{Committed: committed, LogEnd: end, Empty: true}
		}
		o, err := h.Observe(nil, report(lag.Rules{}, at(after, p)...), stable(after, []int32{0}))
		if err != nil {
			t.Fatal(err)
		}
		return o.Partitions[0].Committed
	}
	for i, step := range []struct {
		committed, end int64
		empty          bool
		want           int64
	}{
		{100, 101, false, 100},
		{100, 101, true, 101},
		{100, 103, false, 101}, // two records have come
		{100, 105, false, 101},
		{105, 105, false, 105},
		{90, 105, false, 90}, // consumed once more
		{90, 105, true, 105},
		{90, 95, false, 95}, // the log was cut
		{91, 95, false, 91},
	} {
		if got := observe(time.Duration(i)*time.Second, step.committed, step.end, step.empty); got != step.want {
			t.Errorf("step %d, commit %d of %d: at %d, want %d", i, step.committed, step.end, got, step.want)
		}
	}
}

// The planner is told when places or logs mean something else than before.
func TestLayout(t *testing.T) {
	var h history.History
	earlier := part(1, 9, 20)
	earlier.CommitOfEarlierLog = true
	layouts := []int64{}
	for i, parts := range [][]lag.Offsets{
		{part(0, 5, 9), part(1, 5, 9)},
		{part(0, 5, 9), part(1, 5, 9), part(2, 0, 0)}, // grown: the same layout
		{part(0, 5, 9), part(1, 5, 9)},                // deleted and created again with fewer
		{part(0, 5, 9), earlier},                      // the log was made again
		{part(0, 5, 9), earlier},
		{part(0, 5, 9), part(1, 20, 20)}, // its consumers have committed in the new one
	} {
		after := time.Duration(i) * time.Second
		o, err := h.Observe(nil, report(lag.Rules{}, at(after, parts...)...), stable(after))
		if err != nil {
			t.Fatal(err)
		}
		layouts = append(layouts, o.Layout)
	}
	if d := cmp.Diff([]int64{0, 0, 1, 2, 2, 2}, layouts); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestMembers(t *testing.T) {
	orders := lag.Member{ID: "waits", Subscribed: []string{"invoices", "orders"}, SubscriptionKnown: true}
	other := lag.Member{ID: "other", Subscribed: []string{"invoices"}, SubscriptionKnown: true, Assigned: []lag.TopicPartitions{{Topic: "invoices", Partitions: []int32{0}}}}
	has := lag.Member{ID: "has", Assigned: []lag.TopicPartitions{{Topic: "invoices", Partitions: []int32{0}}, {Topic: "orders", Partitions: []int32{1, 7}}}, SubscriptionKnown: true}
	odd := lag.Member{ID: "odd"} // nobody knows what it consumes
	for name, tc := range map[string]struct {
		state string
		kind  lag.GroupKind
		list  []lag.Member
		read  time.Duration
		err   error

		want    int
		inState latency.GroupState
		says    string
	}{
		"of this topic only": {state: "Stable", list: []lag.Member{orders, other, has, odd}, want: 3, inState: latency.Stable},
		"rebalance":          {state: "PreparingRebalance", list: []lag.Member{odd}, want: 1, inState: latency.Rebalancing},
		"KIP-848":            {state: "Reconciling", list: []lag.Member{orders}, want: 1, inState: latency.Rebalancing},
		"empty":              {state: "Empty", want: 0, inState: latency.Empty},
		"of another kind":    {state: "Dead", want: -1, says: `calls its state "Dead"`}, // it has commits
		"odd state":          {state: "NotReady", list: []lag.Member{orders}, want: -1, says: `calls its state "NotReady"`},
		"share group":        {state: "Stable", kind: lag.KindShare, list: []lag.Member{orders}, want: -1, says: "does not know share groups"},
		"old":                {state: "Stable", list: []lag.Member{orders}, read: -time.Minute, want: -1, says: "last read 1m0s before"},
		"denied":             {err: &fault.Error{Kind: fault.Denied, Err: errors.New("DESCRIBE is missing")}, want: -1, says: "DESCRIBE is missing"},
	} {
		var h history.History
		m := lag.NewMembership(lag.Group{State: tc.state, Kind: tc.kind, Members: len(tc.list), Err: tc.err}, tc.list, 0, start.Add(tc.read))
		o, err := h.Observe(nil, report(lag.Rules{}, part(0, 5, 9), part(1, 5, 9)), m)
		if o.Members != tc.want || o.State != tc.inState || (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %d members, state %d: %v", name, o.Members, o.State, err)
		}
		if name == "of this topic only" && (o.Partitions[0].Owner != latency.NoOwner || o.Partitions[1].Owner < 0) {
			t.Errorf("owners %+v", o.Partitions)
		}
	}
	var h history.History
	absent := lag.NewMembership(lag.Group{State: "Dead"}, nil, 0, start)
	if o, err := h.Observe(nil, report(lag.Rules{}, part(0, lag.NoCommit, 9)), absent); err != nil || o.Members != 0 || o.State != latency.Empty {
		t.Errorf("a group that does not exist: %+v, %v", o, err)
	}
	// It commits for the first time before its members are read again: it was not there when they were.
	if o, err := h.Observe(nil, report(lag.Rules{}, part(0, 5, 9)), absent); err != nil || o.Members != 0 || o.State != latency.Empty {
		t.Errorf("a group that has just come: %+v, %v", o, err)
	}
	if o, err := h.Observe(nil, report(lag.Rules{}, part(0, 5, 9)), nil); err == nil || o.Members != latency.UnknownMembers || o.State != latency.StateUnknown {
		t.Errorf("members that nobody has read: %+v, %v", o, err)
	}
}

// In which order a coordinator lists its members says nothing, and each change of what they have is another generation.
func TestGenerations(t *testing.T) {
	members := func() []lag.Member {
		return []lag.Member{
			{ID: "a", Assigned: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{0, 1}}}},
			{ID: "b", Assigned: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{2}}}},
			{ID: "c"},
		}
	}
	made := func(members []lag.Member, epoch int32) *lag.Membership {
		return lag.NewMembership(lag.Group{State: "Stable"}, members, epoch, start)
	}
	first := made(members(), 0)
	for range 10 {
		shuffled := members()
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if d := cmp.Diff(first, made(shuffled, 0)); d != "" {
			t.Fatalf("another membership (-want +got)\n%s", d)
		}
	}
	moved, gone, renamed := members(), members()[:2], members()
	moved[0].Assigned[0].Partitions, moved[1].Assigned[0].Partitions = []int32{0}, []int32{1, 2}
	renamed[2].ID = "d"
	for name, m := range map[string]*lag.Membership{"moved": made(moved, 0), "gone": made(gone, 0), "restarted": made(renamed, 0), "epoch": made(members(), 1)} {
		if m.Assignment == first.Assignment {
			t.Errorf("%s: the same generation", name)
		}
	}
}

// world are topics that get records and partitions, and whose commits move on.
type world struct{ parts []lag.Offsets }

func (w *world) step(t *rapid.T, now time.Time) {
	if rapid.IntRange(0, 4).Draw(t, "grow") == 0 {
		topic := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "topic")
		id := int32(0)
		for _, p := range w.parts {
			if p.Topic == topic {
				id = p.Partition + 1 + int32(rapid.IntRange(0, 1).Draw(t, "gap"))
			}
		}
		w.parts = append(w.parts, lag.Offsets{TopicPartition: lag.TopicPartition{Topic: topic, Partition: id}})
		slices.SortFunc(w.parts, func(a, b lag.Offsets) int {
			return cmpOr(strings.Compare(a.Topic, b.Topic), int(a.Partition-b.Partition))
		})
	}
	for i := range w.parts {
		p := &w.parts[i]
		p.LogEnd += int64(rapid.IntRange(0, 100).Draw(t, "arrive"))
		p.Committed += int64(rapid.IntRange(0, int(p.LogEnd-p.Committed)).Draw(t, "consume"))
		p.ObservedAt = now
	}
}

func cmpOr(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

// Whatever partitions come, each keeps its place, and what arrives and is consumed by places is what it is by partition:
// nothing is lost or counted twice. A history that begins later says the same from its second observation on.
func TestPlacesKeepTheirPartitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := world{parts: []lag.Offsets{{TopicPartition: lag.TopicPartition{Topic: "b"}}}}
		var h, later history.History
		var before []latency.Partition
		was := map[lag.TopicPartition]lag.Offsets{}
		restart := rapid.IntRange(0, 10).Draw(t, "restart")
		for i := range 20 {
			now := start.Add(time.Duration(i) * 5 * time.Second)
			w.step(t, now)
			r := report(lag.Rules{}, w.parts...)
			o, err := h.Observe(nil, r, stable(now.Sub(start)))
			if err != nil || o.Layout != 0 || len(o.Partitions) != len(w.parts) {
				t.Fatalf("%d partitions of %d in layout %d: %v", len(o.Partitions), len(w.parts), o.Layout, err)
			}
			var arrived, consumed, truly, done int64
			for place := range before {
				arrived += o.Partitions[place].LogEnd - before[place].LogEnd
				consumed += o.Partitions[place].Committed - before[place].Committed
				if o.Partitions[place].ID != before[place].ID || o.Partitions[place].LogEnd < before[place].LogEnd {
					t.Fatalf("place %d had %+v and has %+v", place, before[place], o.Partitions[place])
				}
			}
			for _, p := range w.parts {
				if old, known := was[p.TopicPartition]; known {
					truly += p.LogEnd - old.LogEnd
					done += p.Committed - old.Committed
				}
				was[p.TopicPartition] = p
			}
			if arrived != truly || consumed != done {
				t.Fatalf("%d arrived and %d consumed, not %d and %d", truly, done, arrived, consumed)
			}
			before = slices.Clone(o.Partitions)
			if i < restart {
				continue
			}
			again, err := later.Observe(nil, r, stable(now.Sub(start)))
			if err != nil || again.At != o.At || again.Members != o.Members || !samePartitions(again.Partitions, o.Partitions) {
				t.Fatalf("after a restart %+v, without one %+v", again, o)
			}
		}
	})
}

func samePartitions(a, b []latency.Partition) bool {
	order := func(x, y latency.Partition) int {
		return cmpOr(int(x.ID-y.ID), cmpOr(int(x.LogEnd-y.LogEnd), int(x.Committed-y.Committed)))
	}
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}

// An offset that is not known is never a number, whatever was known before.
func TestUnknownStaysUnknown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h history.History
		for i := range 10 {
			now := start.Add(time.Duration(i) * time.Second)
			parts := []lag.Offsets{part(0, 5, 9), part(1, 5, 9), part(2, 5, 9)}
			broken := rapid.SampledFrom([]string{"none", "error", "age", "end"}).Draw(t, "broken")
			for j := range parts {
				parts[j].ObservedAt = now
			}
			switch broken {
			case "error":
				parts[1].ObservedAt = time.Time{}
			case "age":
				parts[1].ObservedAt = now.Add(-time.Hour)
			case "end":
				parts[1].LogEnd = lag.Unknown
			}
			rules := lag.Rules{MaxAge: time.Minute}
			r := lag.Compute(rules, parts, now)
			o, err := h.Observe(nil, &r, stable(now.Sub(start)))
			known := o.Partitions[1].LogEnd >= 0 && o.Partitions[1].Committed >= 0
			if known != (broken == "none") || (err == nil) != known {
				t.Fatalf("%s: %+v, %v", broken, o.Partitions[1], err)
			}
		}
	})
}
