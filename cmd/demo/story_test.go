package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

func move(actor kedaloop.Actor, from, to int64) kedaloop.Event {
	return kedaloop.Event{Actor: actor, Move: kedaloop.Move{From: from, To: to, Reason: "because"}}
}

// row is what the scaler says about so much lag, with so many replicas.
func row(at time.Duration, lag, replicas int64) moment {
	d := &kafkascalerv1.Decision{Value: min(lag, 6*lagThreshold), Target: lagThreshold, Active: lag > 0}
	d.Steps = []*kafkascalerv1.Step{{Rule: "activation", Reason: "active or not"}}
	if lag > 6*lagThreshold {
		d.Limit = "partition_cap"
		d.Steps = append(d.Steps, &kafkascalerv1.Step{Rule: "partition_cap", Reason: "6 partitions"})
	}
	return moment{at: at, replicas: replicas, explained: &kafkascalerv1.Explanation{Decision: d, TotalLag: lag}}
}

// play tells a story; steps may be left out or changed.
func play(edit func(step string, s *story) (skip bool)) *story {
	s := &story{partitions: 6}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"asleep", func() { s.seen(row(1*time.Second, 0, 0)) }},
		{"first", func() { s.first = 5 * time.Second }},
		{"woke", func() { s.moved(6*time.Second, move(kedaloop.ActorPoll, 0, 1)) }},
		{"working", func() { s.working = 7 * time.Second }},
		{"grown", func() { s.moved(20*time.Second, move(kedaloop.ActorHPA, 1, 6)) }},
		{"capped", func() { s.seen(row(21*time.Second, 300, 6)) }},
		{"drained", func() { s.seen(row(30*time.Second, 0, 6)) }},
		{"zero", func() { s.moved(38*time.Second, move(kedaloop.ActorPoll, 6, 0)) }},
	} {
		if !edit(step.name, s) {
			step.do()
		}
	}
	return s
}

func TestStory(t *testing.T) {
	whole := play(func(string, *story) bool { return false })
	if err := whole.verdict(); err != nil || !whole.over() {
		t.Fatalf("a whole story: %v, over %v", err, whole.over())
	}
	var figures strings.Builder
	for _, f := range whole.summary(1000, 1002) {
		figures.WriteString(f[0] + ": " + f[1] + "\n")
	}
	want := `to the first replica: 1.0 s after the first record
to the first record worked off: 2.0 s after the first record
largest lag: 300 records, which asks for 10 replicas
most replicas: 6, for 6 partitions
to zero: 8.0 s after the last record was worked off
records: 1000 produced, all worked off, 2 of them twice (a rebalance came before the commit)
failed evaluations: 0
`
	if figures.String() != want {
		t.Errorf("got\n%swant\n%s", figures.String(), want)
	}
}

// Each thing that does not happen fails the story by name.
func TestStoryThatFails(t *testing.T) {
	for step, want := range map[string]string{
		"asleep": "never seen asleep", "woke": "never woke", "working": "never worked off", "capped": "never reached the partition cap", "zero": "never went back to zero",
	} {
		err := play(func(name string, _ *story) bool { return name == step }).verdict()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", step, err)
		}
	}
	err := play(func(name string, s *story) bool {
		if name == "drained" {
			s.moved(25*time.Second, move(kedaloop.ActorHPA, 6, 7))
		}
		return false
	}).verdict()
	if err == nil || !strings.Contains(err.Error(), "more than the 6 partitions") {
		t.Errorf("beyond the partitions: %v", err)
	}
}

// Zero before the cap is not the end, and an error moves nothing.
func TestStoryIsNotOverEarly(t *testing.T) {
	s := &story{partitions: 6}
	s.moved(time.Second, move(kedaloop.ActorPoll, 0, 1))
	s.moved(2*time.Second, move(kedaloop.ActorPoll, 1, 0))
	failed := move(kedaloop.ActorPoll, 0, 0)
	failed.Err = errors.New("broker unreachable")
	s.moved(3*time.Second, failed)
	if s.over() || s.failures != 1 {
		t.Errorf("over %v, failures %d", s.over(), s.failures)
	}
}

// The reason of a row comes from whoever has the last word.
func TestWhy(t *testing.T) {
	hpa := move(kedaloop.ActorHPA, 2, 3)
	cooling := move(kedaloop.ActorPoll, 1, 1)
	with := func(m moment, edit func(*moment)) moment {
		edit(&m)
		return m
	}
	for name, c := range map[string]struct {
		m    moment
		want string
	}{
		"no answer":   {moment{err: errors.New("refused")}, "the scaler did not answer: refused"},
		"unknown":     {moment{explained: &kafkascalerv1.Explanation{Error: "no such topic"}}, "no such topic"},
		"capped":      {with(row(0, 300, 6), func(m *moment) { m.hpa = hpa }), "partition_cap: 6 partitions"},
		"asleep":      {row(0, 0, 0), "active or not"},
		"growing":     {with(row(0, 60, 2), func(m *moment) { m.hpa = hpa }), "HPA: because"},
		"just awake":  {row(0, 60, 1), "active or not"},
		"coming down": {with(row(0, 0, 1), func(m *moment) { m.hpa, m.keda = hpa, cooling }), "KEDA: because"},
	} {
		if got := c.m.why(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The load starts and ends with silence, never stops in between, and asks for more than the partitions once.
func TestPhases(t *testing.T) {
	for partitions := int32(2); partitions <= 12; partitions++ {
		all := phases(partitions)
		capacity := float64(partitions) / serviceTime.Seconds()
		if all[0].rate != 0 || all[len(all)-1].rate != 0 || all[3].rate <= capacity || all[2].rate >= capacity || all[1].rate >= 1/serviceTime.Seconds() {
			t.Errorf("%d partitions: %+v", partitions, all)
		}
	}
	all := phases(6)
	for second, want := range map[int]int{0: 0, 4: 0, 5: 1, 14: 1, 15: 2, 25: 3, 32: 3, 33: 4, 90: 4} {
		if got := at(all, time.Duration(second)*time.Second, time.Minute); got != all[want] {
			t.Errorf("at %d s: %+v, want %+v", second, got, all[want])
		}
	}
}
