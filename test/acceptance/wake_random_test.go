//go:build realkafka

package acceptance

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"golang.org/x/sync/errgroup"
)

// wakeTransitions is how often TestNoWakeUpIsLost puts a group to sleep and wakes it.
var wakeTransitions = flag.Int("wake-transitions", 300, "wake-ups in TestNoWakeUpIsLost")

// TestNoWakeUpIsLost produces at random moments around everything that changes
// what is waited on: streams that open, close and come again, groups that have
// just caught up or have slept for long, leaders that move. Every record has to
// lead to a true within a refresh interval.
func TestNoWakeUpIsLost(t *testing.T) {
	const sleepers = 24
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(*wakeTransitions)*200*time.Millisecond)
	defer cancel()
	var names []string
	for i := range sleepers {
		names = append(names, fmt.Sprintf("wake-random-%d", i))
	}
	must(t, cluster.CreateTopics(ctx, names, 2, 3, nil))
	p := serve(t, sharedCluster(time.Second))
	var tally struct {
		sync.Mutex
		took []time.Duration
		left int
	}
	tally.left = *wakeTransitions
	var all errgroup.Group
	for i, name := range names {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		all.Go(func() error {
			s := randomSleeper{t: t, p: p, r: r, name: name}
			for ctx.Err() == nil {
				tally.Lock()
				tally.left--
				over := tally.left < 0
				tally.Unlock()
				if over {
					return nil
				}
				took, err := s.transition(ctx)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				tally.Lock()
				tally.took = append(tally.took, took)
				tally.Unlock()
			}
			return ctx.Err()
		})
	}
	must(t, all.Wait())
	slices.Sort(tally.took)
	at := func(q float64) time.Duration { return tally.took[int(q*float64(len(tally.took)-1))] }
	quick, _ := slices.BinarySearch(tally.took, 200*time.Millisecond)
	t.Logf("%d wake-ups, none lost: p50 %v, p95 %v, p99 %v, longest %v; %d took longer than 200 ms",
		len(tally.took), at(0.5), at(0.95), at(0.99), at(1), len(tally.took)-quick)
}

// randomSleeper puts one group to sleep and wakes it, in ways that r chooses.
type randomSleeper struct {
	t    *testing.T
	p    *product
	r    *rand.Rand
	name string
	// ends are the log ends of its topic.
	ends  [2]int64
	close context.CancelFunc
	said  chan edge
}

// transition returns how long after both, the acknowledgement of a record and the
// opening of the stream, the stream said true.
func (s *randomSleeper) transition(ctx context.Context) (time.Duration, error) {
	// Everything has been read: the group sleeps.
	if err := cluster.Commit(ctx, s.name, s.name, map[int32]int64{0: s.ends[0], 1: s.ends[1]}); err != nil {
		return 0, err
	}
	kind := s.r.IntN(5)
	if s.said != nil && kind < 4 {
		if err := s.fallAsleep(ctx); err != nil {
			return 0, err
		}
	}
	s.pause(30)
	if s.r.IntN(50) == 0 {
		time.Sleep(4 * time.Second) // so long that the refresh looks at it rarely
	}
	var around errgroup.Group
	opened := time.Time{}
	switch {
	case kind == 0 && s.said != nil: // a stream that is there already
	case kind == 1: // the leader moves
		around.Go(func() error { return s.moveLeader(ctx) })
		if s.said == nil {
			around.Go(func() error { opened = time.Now(); return s.open(ctx) })
		}
	case kind == 2 && s.said != nil: // the stream goes and comes again
		s.close()
		around.Go(func() error { s.pause(20); opened = time.Now(); return s.open(ctx) })
	default: // a stream that opens on a group that sleeps, or, the last kind, has only just caught up
		if s.said != nil {
			s.close()
		}
		around.Go(func() error { opened = time.Now(); return s.open(ctx) })
	}
	partition := int32(s.r.IntN(2))
	wait := time.Duration(s.r.IntN(40)) * time.Millisecond
	acknowledged := time.Time{}
	around.Go(func() error {
		time.Sleep(wait)
		err := cluster.Produce(ctx, s.name, partition, 1)
		acknowledged = time.Now()
		return err
	})
	if err := around.Wait(); err != nil {
		return 0, err
	}
	s.ends[partition]++
	since := acknowledged
	if opened.After(since) {
		since = opened
	}
	// The refresh interval, and what a busy machine adds to it.
	const lost = 5 * time.Second
	for {
		select {
		case e := <-s.said:
			if e.active {
				return max(0, e.at.Sub(since)), nil
			}
		case <-time.After(lost):
			return 0, fmt.Errorf("a record of partition %d (transition %d) led to no true within %v", partition, kind, lost)
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (s *randomSleeper) pause(most int) { time.Sleep(time.Duration(s.r.IntN(most)) * time.Millisecond) }

// fallAsleep waits until the stream says that the group has caught up.
func (s *randomSleeper) fallAsleep(ctx context.Context) error {
	for {
		select {
		case e := <-s.said:
			if !e.active {
				return nil
			}
		case <-time.After(30 * time.Second):
			return errors.New("no false after the group has caught up")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *randomSleeper) open(ctx context.Context) error {
	ctx, s.close = context.WithCancel(ctx)
	metadata := map[string]string{"cluster": "shared", "consumerGroup": s.name, "topic": s.name}
	stream, err := s.p.KEDA.StreamIsActive(ctx, &pb.ScaledObjectRef{Namespace: "acceptance", Name: s.name, ScalerMetadata: metadata})
	if err != nil {
		return err
	}
	said := make(chan edge, 100)
	s.said = said
	go func() {
		for {
			m, err := stream.Recv()
			if err != nil {
				return
			}
			said <- edge{m.GetResult(), time.Now()}
		}
	}()
	return nil
}

func (s *randomSleeper) moveLeader(ctx context.Context) error {
	for partition := range int32(2) {
		if err := cluster.MoveLeader(ctx, s.name, partition, 1+int32(s.r.IntN(3))); err != nil {
			return err
		}
	}
	return nil
}
