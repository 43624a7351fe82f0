package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
)

// story follows what happens, and knows at the end whether everything did that the demo
// promises. Times are since the start; 0 for not yet.
type story struct {
	partitions int64

	asleep   bool // zero replicas were seen before the first record
	first    time.Duration
	woke     time.Duration
	wokeWhy  string
	working  time.Duration
	capped   time.Duration
	cappedAt int64 // replicas that the lag asked for when the cap was reached
	drained  time.Duration
	zero     time.Duration

	peak       int64
	peakMember int
	mostLag    int64
	failures   int // evaluations of KEDA or the HPA that had an error
}

// moved takes note of an evaluation of KEDA or the HPA, and returns what to tell about it.
func (s *story) moved(at time.Duration, e kedaloop.Event) []string {
	if e.Err != nil {
		s.failures++
		return nil
	}
	s.peak = max(s.peak, e.To)
	var notes []string
	if e.From == 0 && e.To > 0 && s.woke == 0 {
		s.woke, s.wokeWhy = at, e.Reason
		notes = append(notes, fmt.Sprintf("awake %s after the first record", seconds(at-s.first)))
	}
	if e.To == 0 && e.From > 0 && s.capped > 0 {
		s.zero = at
		notes = append(notes, fmt.Sprintf("back to zero, %s after the last record was worked off", seconds(at-s.drained)))
	}
	return notes
}

// seen takes note of a row, and returns what to tell about it.
func (s *story) seen(m moment) []string {
	s.asleep = s.asleep || (s.first == 0 && m.replicas == 0 && m.known() && !m.decision().GetActive())
	s.peakMember = max(s.peakMember, m.members)
	if !m.known() {
		return nil
	}
	var notes []string
	lag := m.explained.GetTotalLag()
	s.mostLag = max(s.mostLag, lag)
	if s.capped == 0 && m.decision().GetLimit() == "partition_cap" && m.replicas == s.partitions {
		s.capped = m.at
		target := max(1, m.decision().GetTarget())
		s.cappedAt = (lag + target - 1) / target
		notes = append(notes, fmt.Sprintf("the partition cap: the lag asks for %d replicas, %d partitions can feed %d",
			s.cappedAt, s.partitions, s.partitions))
	}
	switch {
	case lag > 0:
		s.drained = 0
	case s.capped > 0 && s.drained == 0:
		s.drained = m.at
		notes = append(notes, "the lag is gone")
	}
	return notes
}

// over reports whether the group is back where it began.
func (s *story) over() bool { return s.zero > 0 }

// verdict says what did not happen, or happened and must not; nil if all is well.
func (s *story) verdict() error {
	var missing []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			missing = append(missing, fmt.Errorf(format, args...))
		}
	}
	expect(s.asleep, "the group was never seen asleep, at zero replicas with nothing to do")
	expect(s.woke > 0, "the group never woke from zero")
	expect(s.working > 0 || s.woke == 0, "the first replica never worked off a record")
	expect(s.capped > 0, "the group never reached the partition cap with %d replicas", s.partitions)
	expect(s.peak <= s.partitions, "there were %d replicas, more than the %d partitions", s.peak, s.partitions)
	expect(s.zero > 0, "the group never went back to zero")
	return errors.Join(missing...)
}

// summary are the figures at the end.
func (s *story) summary(produced, worked int64) [][2]string {
	return [][2]string{
		{"to the first replica", seconds(s.woke-s.first) + " after the first record"},
		{"to the first record worked off", seconds(s.working-s.first) + " after the first record"},
		{"largest lag", fmt.Sprintf("%d records, which asks for %d replicas", s.mostLag, (s.mostLag+lagThreshold-1)/lagThreshold)},
		{"most replicas", fmt.Sprintf("%d, for %d partitions", s.peak, s.partitions)},
		{"to zero", seconds(s.zero-s.drained) + " after the last record was worked off"},
		{"records", records(produced, worked)},
		{"failed evaluations", fmt.Sprint(s.failures)},
	}
}

func records(produced, worked int64) string {
	text := fmt.Sprintf("%d produced, all worked off", produced)
	if twice := worked - produced; twice > 0 {
		text += fmt.Sprintf(", %d of them twice (a rebalance came before the commit)", twice)
	}
	return text
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", max(0, d).Seconds()) }
