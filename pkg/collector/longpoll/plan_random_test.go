package longpoll

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// TestPlanKeepsItsBounds has streams come and go, and waits end in every way, at random: no broker ever has more waits
// than it may, no partition is in two, and when nothing happens any more, all that is wanted is waited for.
func TestPlanKeepsItsBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		most, size := rapid.IntRange(1, 6).Draw(rt, "waits"), rapid.IntRange(1, 8).Draw(rt, "size")
		s := newTheater(t, most, size)
		topics := []string{"a", "b", "c"}
		at := time.Duration(0)
		do := func(format string, args ...any) {
			s.do(append([]string{at.String()}, strings.Fields(fmt.Sprintf(format, args...))...))
			if wrong := s.wrong(most); wrong != "" {
				rt.Fatalf("%v: %s", at, wrong)
			}
		}
		for range rapid.IntRange(10, 120).Draw(rt, "events") {
			at += time.Duration(rapid.SampledFrom([]int{0, 3, 40, 120, 700, 5000}).Draw(rt, "ms")) * time.Millisecond
			topic, id := rapid.SampledFrom(topics).Draw(rt, "topic"), rapid.IntRange(0, 9).Draw(rt, "partition")
			switch rapid.IntRange(0, 6).Draw(rt, "event") {
			case 0, 1:
				do("sleep %s %d-9 end=10 leader=%d", topic, id, rapid.IntRange(1, 2).Draw(rt, "leader"))
			case 2:
				do("wake %s %d", topic, id)
			case 3:
				do("lead %s %d %d", topic, id, rapid.IntRange(1, 2).Draw(rt, "leader"))
			case 4:
				do("look")
			default:
				s.advance(at)
				open := s.open()
				if len(open) == 0 {
					continue
				}
				n := rapid.SampledFrom(open).Draw(rt, "wait")
				w := s.waits[n-1]
				tp := w.from[rapid.IntRange(0, len(w.from)-1).Draw(rt, "of the wait")].TopicPartition
				switch how := rapid.SampledFrom([]string{"over", "fail", "grown", "shrunk", "moved", "unknown"}).Draw(rt, "ends"); how {
				case "over", "fail":
					do("%s w%d", how, n)
				case "grown":
					do("grown w%d %s 12", n, tp)
				default:
					do("%s w%d %s", how, n, tp)
				}
			}
		}
		// All is well from here on: waits last as long as they may, and ends are read.
		for range 12 {
			at += time.Second
			for _, tp := range s.sleepers() {
				do("read %s %d end=20", tp.Topic, tp.Partition)
			}
			s.advance(at)
			for _, n := range s.open() {
				if w := s.waits[n-1]; s.plan.has(w) && !epoch.Add(at).Before(w.began.Add(w.most)) {
					do("over w%d", n)
				}
			}
			do("look")
		}
		at += 20 * time.Millisecond
		do("look")
		for _, tp := range s.sleepers() {
			if topic := s.plan.topics[logKey{tp.Topic, lag.End}]; topic == nil || !topic.awaits(tp.Partition) {
				rt.Errorf("%s is not awaited at last", tp)
			}
		}
	})
}

// open are the numbers of the waits under way.
func (s *theater) open() (numbers []int) {
	for i, w := range s.waits {
		if s.plan.has(w) {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}

// wrong says which rule the plan has broken; empty for none.
func (s *theater) wrong(most int) string {
	in := map[lag.TopicPartition]*wait{}
	for leader := range int32(3) {
		if n := s.plan.open(leader); n > most {
			return fmt.Sprintf("broker %d has %d waits, %d are allowed", leader, n, most)
		}
	}
	for _, n := range s.open() {
		for _, part := range s.waits[n-1].parts {
			if part.wait != s.waits[n-1] {
				continue
			}
			if part.state != waiting || in[part.tp] != nil {
				return fmt.Sprintf("%s is %s, and in w%d", part.tp, part.state, n)
			}
			in[part.tp] = part.wait
		}
	}
	return ""
}
