package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

var errMoved = errors.New("moved")

// fakeOwners has an owner for each number: its last digit. The names of brokers do not matter.
type fakeOwners struct {
	lost      func(item, round int) error
	sorts     atomic.Int32
	forgotten atomic.Int32
	renewed   func(context.Context) error
}

func (o *fakeOwners) sort(_ context.Context, items []int, ask func(portion[int])) []rejected[int] {
	round := int(o.sorts.Add(1))
	var lost rejects[int]
	by := map[int][]int{}
	for _, item := range items {
		if o.lost != nil {
			if err := o.lost(item, round); err != nil {
				lost.add(err, item)
				continue
			}
		}
		by[item%10] = append(by[item%10], item)
	}
	for _, items := range by {
		ask(portion[int]{items: items})
	}
	return lost.all
}

func (*fakeOwners) moved(err error) bool { return errors.Is(err, errMoved) }

func (o *fakeOwners) forget(items []int) { o.forgotten.Add(int32(len(items))) }

func (o *fakeOwners) renew(ctx context.Context, moved []rejected[int], _ time.Time) (again []int, lost []rejected[int]) {
	if o.renewed != nil {
		if err := o.renewed(ctx); err != nil {
			return nil, moved
		}
	}
	return itemsOf(moved), nil
}

func TestFanout(t *testing.T) {
	all := make([]int, 30)
	for i := range all {
		all[i] = i
	}
	for name, test := range map[string]struct {
		owners *fakeOwners
		once   bool
		// ask answers for an item in a round, or says why not.
		ask func(item, round int) error
		// failed tells which items end in an error, and sorts how often owners were asked for.
		failed    func(item int) bool
		sorts     int32
		forgotten int32
	}{
		"all answer": {sorts: 1},
		"one broker's failure is its own": {
			ask:    func(item, _ int) error { return failIf(item%10 == 3, wire.Code(30)) },
			failed: func(item int) bool { return item%10 == 3 }, sorts: 1,
		},
		"who has moved is asked again": {
			ask: func(item, round int) error { return failIf(item%10 == 3 && round == 1, errMoved) }, sorts: 2, forgotten: 3,
		},
		"and not a third time": {
			ask:    func(item, _ int) error { return failIf(item == 13, errMoved) },
			failed: func(item int) bool { return item == 13 }, sorts: 2, forgotten: 2,
		},
		"nor at all where once is enough": {
			once:   true,
			ask:    func(item, _ int) error { return failIf(item == 13, errMoved) },
			failed: func(item int) bool { return item == 13 }, sorts: 1, forgotten: 1,
		},
		"what has no owner": {
			owners: &fakeOwners{lost: func(item, round int) error { return failIf(item < 2 || item < 5 && round == 1, errMoved) }},
			failed: func(item int) bool { return item < 2 }, sorts: 2, forgotten: 7,
		},
		"owners that cannot be found": {
			owners: &fakeOwners{renewed: func(context.Context) error { return errors.New("nobody answers") }},
			ask:    func(item, _ int) error { return failIf(item == 13, errMoved) },
			failed: func(item int) bool { return item == 13 }, sorts: 1, forgotten: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := New(Config{BootstrapServers: []string{"127.0.0.1:1"}}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			owners := cmp.Or(test.owners, &fakeOwners{})
			got := map[int]bool{} // whether it failed
			f := &fanout[int, string]{client: c, what: "test", owners: owners, once: test.once}
			f.ask = func(_ context.Context, p portion[int]) []rejected[int] {
				var refused rejects[int]
				for _, item := range p.items {
					if test.ask != nil {
						if err := test.ask(item, int(owners.sorts.Load())); err != nil {
							refused.add(err, item)
							continue
						}
					}
					f.hand([]string{fmt.Sprint(item, " ok")})
				}
				return refused.all
			}
			f.failed = func(r rejected[int]) (answers []string) {
				for _, item := range r.items {
					answers = append(answers, fmt.Sprint(item, " ", r.err))
				}
				return answers
			}
			f.deliver = func(answers []string) {
				for _, a := range answers {
					var item int
					var word string
					_, _ = fmt.Sscan(a, &item, &word)
					if _, twice := got[item]; twice {
						t.Errorf("%d was delivered twice", item)
					}
					got[item] = word != "ok"
				}
			}
			f.run(t.Context(), all)
			for _, item := range all {
				failed, delivered := got[item]
				if !delivered || failed != (test.failed != nil && test.failed(item)) {
					t.Errorf("%d: delivered %v, failed %v", item, delivered, failed)
				}
			}
			if owners.sorts.Load() != test.sorts || owners.forgotten.Load() != test.forgotten {
				t.Errorf("%d sorts, %d forgotten; want %d, %d", owners.sorts.Load(), owners.forgotten.Load(), test.sorts, test.forgotten)
			}
		})
	}
}

func failIf(when bool, err error) error {
	if when {
		return err
	}
	return nil
}

// Nothing is asked for again once the caller is gone, and of a client that is closed all fails.
func TestFanoutEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{BootstrapServers: []string{"127.0.0.1:1"}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		owners := &fakeOwners{}
		var failed []int
		f := &fanout[int, int]{client: c, what: "test", owners: owners}
		f.ask = func(ctx context.Context, p portion[int]) []rejected[int] {
			<-ctx.Done()
			return []rejected[int]{{items: p.items, err: errMoved}}
		}
		f.failed = func(r rejected[int]) []int { return r.items }
		f.deliver = func(some []int) { failed = append(failed, some...) }
		go func() { time.Sleep(time.Second); cancel() }()
		f.run(ctx, []int{1, 2, 11})
		if slices.Sort(failed); !slices.Equal(failed, []int{1, 2, 11}) || owners.sorts.Load() != 1 {
			t.Errorf("failed %v after %d sorts", failed, owners.sorts.Load())
		}
		c.Close()
		failed = nil
		f.run(t.Context(), []int{5})
		if !slices.Equal(failed, []int{5}) || owners.sorts.Load() != 1 {
			t.Errorf("of a closed client: failed %v after %d sorts", failed, owners.sorts.Load())
		}
	})
}

// What fails for the same reason is asked for together again, however many items and brokers there are.
func TestRejectsAreGatheredByReason(t *testing.T) {
	var l rejects[int]
	for i := range 1000 {
		l.add(wire.WithMessage(16, fmt.Sprint("message ", i)), i)
		l.add(routeError{wire.Code(16)}, i)
		l.add(staleLeader{1, 2}, i)
		l.add(errLeftOut, i)
	}
	if len(l.all) != 4 || len(itemsOf(l.all)) != 4000 {
		t.Errorf("%d reasons of %d items", len(l.all), len(itemsOf(l.all)))
	}
	l.add(staleLeader{1, 3}, 0)
	if len(l.all) != 5 {
		t.Error("answers of different epochs pass for the same reason")
	}
}
