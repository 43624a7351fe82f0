package members_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/members"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// coordinators say that each group has as many members as it was asked about.
type coordinators struct {
	mu    sync.Mutex
	calls [][]lag.Group
	asked map[string]int
	fail  func(group string) error
	panic bool
	// large are the groups with very many members.
	large map[string]bool
}

func (c *coordinators) Memberships(_ context.Context, groups []lag.Group, deliver func([]*lag.Membership)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, groups)
	if c.panic {
		panic("a defect")
	}
	if c.asked == nil {
		c.asked = map[string]int{}
	}
	for _, g := range groups {
		c.asked[g.Name]++
		answer := lag.Group{Name: g.Name, Kind: lag.KindClassic, State: "Stable", Members: c.asked[g.Name]}
		if c.fail != nil {
			answer.Err = c.fail(g.Name)
		}
		var list []lag.Member
		if c.large[g.Name] {
			for i := range 100_000 {
				list = append(list, lag.Member{ID: fmt.Sprintf("member-%06d", i)})
			}
		}
		deliver([]*lag.Membership{lag.NewMembership(answer, list, 0, time.Now())})
	}
}

func (c *coordinators) set(fail func(string) error, panics bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail, c.panic = fail, panics
}

func (c *coordinators) names(call int) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.calls[call] {
		names = append(names, g.Name)
	}
	return names
}

func (c *coordinators) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls)
}

func start(t *testing.T, source members.Source, o members.Options) *members.Watch {
	t.Helper()
	w := members.New(source, o)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return w
}

// New groups are read at once and together, all of them every five seconds, and none that nobody follows.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &coordinators{}
		w := start(t, c, members.Options{})
		time.Sleep(time.Minute)
		if n := c.count(); n != 0 {
			t.Fatalf("%d calls for nobody", n)
		}
		time.Sleep(time.Second)
		var followers []*members.Follower
		for i := range 50 {
			followers = append(followers, w.Follow(fmt.Sprintf("group-%02d", i)))
		}
		twice := w.Follow("group-00")
		if m := followers[0].Membership(); m != nil {
			t.Errorf("known before it was read: %+v", m)
		}
		time.Sleep(200 * time.Millisecond)
		if n := c.count(); n != 1 || len(c.names(0)) != 50 || followers[7].Membership().Members != 1 {
			t.Fatalf("%d calls", n)
		}
		last := w.Follow("late")
		time.Sleep(200 * time.Millisecond)
		if names := c.names(1); !slices.Equal(names, []string{"late"}) {
			t.Errorf("the second call was about %s", names)
		}
		for _, f := range followers[:49] {
			f.Close()
			f.Close()
		}
		time.Sleep(5 * time.Second)
		if names := c.names(2); !slices.Equal(names, []string{"group-00", "group-49", "late"}) || c.calls[2][0].Kind != lag.KindClassic {
			t.Errorf("then %s, %v", names, c.calls[2][0])
		}
		if n := last.Membership().Members; n != 2 {
			t.Errorf("read %d times", n)
		}
		twice.Close()
		last.Close()
		followers[49].Close()
		before := c.count()
		time.Sleep(time.Minute)
		if n := c.count() - before; n != 0 {
			t.Errorf("%d calls for nobody", n)
		}
	})
}

// What is known is kept for a while where a group cannot be read, and then the reason takes its place.
func TestWhatIsKnownStaysForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &coordinators{}
		w := start(t, c, members.Options{})
		f := w.Follow("payments")
		defer f.Close()
		time.Sleep(time.Second)
		gone := errors.New("the coordinator is gone")
		c.set(func(string) error { return gone }, false)
		read := f.Membership().ReadAt
		time.Sleep(17*time.Second + 500*time.Millisecond)
		if m := f.Membership(); m.Err != nil || !m.ReadAt.Equal(read) {
			t.Errorf("after 18 s %+v", m)
		}
		time.Sleep(7*time.Second + 500*time.Millisecond)
		if m := f.Membership(); !errors.Is(m.Err, gone) {
			t.Errorf("after 26 s, more than 20 from its reading, %+v", m)
		}
		c.set(nil, false)
		time.Sleep(6 * time.Second)
		if m := f.Membership(); m.Err != nil {
			t.Errorf("once it can be read again %+v", m)
		}
	})
}

// A panic ends one reading and no more.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &coordinators{panic: true}
		panics := 0
		w := start(t, c, members.Options{Panicked: func(string) { panics++ }})
		f := w.Follow("payments")
		defer f.Close()
		time.Sleep(time.Second)
		if m := f.Membership(); m == nil || m.Err == nil || panics != 1 {
			t.Errorf("%+v after %d panics", m, panics)
		}
		c.set(nil, false)
		time.Sleep(6 * time.Second)
		if m := f.Membership(); m == nil || m.Err != nil {
			t.Errorf("afterwards %+v", m)
		}
	})
}

// What the members of all groups take is bounded: those of a group that finds no room are not known, with a reason, and
// the others live on. What has been given back is free again.
func TestMembersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &coordinators{large: map[string]bool{}}
		w := start(t, c, members.Options{})
		small := w.Follow("small")
		defer small.Close()
		var large []*members.Follower
		for i := range 4 {
			name := fmt.Sprintf("large-%d", i)
			c.large[name] = true
			large = append(large, w.Follow(name))
		}
		time.Sleep(time.Second)
		refused := func() (names []string) {
			for i, f := range large {
				if m := f.Membership(); fault.KindOf(m.Err) == fault.Exhausted && m.List == nil {
					names = append(names, fmt.Sprint(i))
				} else if len(m.List) != 100_000 {
					t.Errorf("group %d has %d members: %v", i, len(m.List), m.Err)
				}
			}
			return names
		}
		if n := refused(); len(n) != 2 {
			t.Errorf("refused are %s of 4 groups with 13.2 MB each", n)
		}
		if m := small.Membership(); m.Err != nil {
			t.Error(m.Err)
		}
		for _, f := range large[:2] {
			f.Close()
		}
		large = large[2:]
		time.Sleep(6 * time.Second)
		if n := refused(); len(n) != 0 {
			t.Errorf("refused are %s although there is room", n)
		}
		for _, f := range large {
			f.Close()
		}
	})
}
