package latency_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// TestCases runs the text files under testdata. Each is a story of one consumer group; its commands are
//
//	group KEY=VALUE...    begins it: partitions, replicas, threads; rate, what arrives, and service, what a
//	                      member can do, both in records a second; ceiling, what all members together can
//	                      do; most, the replicas that there is room for; hot, the share of partition 0
//	target=D ...          of the same line: the trigger's parameters
//	run for=D [KEY=VALUE] changes some of these, lets time pass, and shows the last decision and the sizes
//	                      that there were
//	rewind records=N      sets all commits back
//	hang for=D            lets no member consume for so long
//	restart               takes a planner that knows nothing
//	table                 the neighbouring sizes of the last decision
func TestCases(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s *story
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "group" {
				s = newStory(t, d)
				return ""
			}
			return s.do(t, d)
		})
	})
}

type story struct {
	w      *world
	config latency.Config
	rate   float64
	last   latency.Decision
	sizes  []int
}

func newStory(t *testing.T, d *datadriven.TestData) *story {
	s := &story{config: latency.Config{TargetLatency: time.Minute}}
	partitions, replicas, threads := 12, 1, 1
	d.MaybeScanArgs(t, "partitions", &partitions)
	d.MaybeScanArgs(t, "replicas", &replicas)
	d.MaybeScanArgs(t, "threads", &threads)
	s.w = newWorld(partitions, 10, 1, func(float64) float64 { return s.rate })
	s.w.threads = threads
	s.config.PartitionsPerReplica = threads
	s.w.onDecision = func(d latency.Decision) {
		s.last = d
		if n := len(s.sizes); n == 0 || s.sizes[n-1] != d.Replicas {
			s.sizes = append(s.sizes, d.Replicas)
		}
	}
	s.set(t, d)
	s.w.planned(s.config, replicas)
	return s
}

func (s *story) set(t *testing.T, d *datadriven.TestData) {
	for _, arg := range d.CmdArgs {
		if len(arg.Vals) == 0 {
			d.Fatalf(t, "%s has no value", arg.Key)
		}
		number, err := strconv.ParseFloat(arg.Vals[0], 64)
		switch arg.Key {
		case "partitions", "replicas", "threads", "for":
			err = nil
		case "rate":
			s.rate = number
		case "service":
			s.w.service = number
		case "ceiling":
			s.w.ceiling = number
		case "most":
			s.w.most = int(number)
		case "noise":
			s.w.noise = number
		case "hot":
			for i := range s.w.weights {
				s.w.weights[i] = (1 - number) / float64(len(s.w.weights)-1)
			}
			s.w.weights[0] = number
		case "grow":
			s.w.grow(int(number))
		case "serviceRate":
			s.config.ServiceRate = number
		case "maxReplicas":
			s.config.MaxReplicas = int(number)
		case "target":
			s.config.TargetLatency, err = time.ParseDuration(arg.Vals[0])
		default:
			d.Fatalf(t, "unknown key %q", arg.Key)
		}
		if err != nil {
			d.Fatalf(t, "%s: %v", arg.Key, err)
		}
	}
}

func (s *story) do(t *testing.T, d *datadriven.TestData) string {
	var text string
	switch d.Cmd {
	case "run":
		s.set(t, d)
		d.ScanArgs(t, "for", &text)
		span, err := time.ParseDuration(text)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		s.sizes = nil
		s.w.total = totals{}
		s.w.run(int(span.Seconds()))
		return s.show()
	case "hang":
		d.ScanArgs(t, "for", &text)
		span, err := time.ParseDuration(text)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		s.w.hungUntil = s.w.second + int(span.Seconds())
	case "rewind":
		var n float64
		d.ScanArgs(t, "records", &text)
		n, _ = strconv.ParseFloat(text, 64)
		s.w.rewind(n)
	case "restart":
		s.w.planner = latency.New(s.config)
	case "table":
		return s.table()
	default:
		d.Fatalf(t, "unknown command %q", d.Cmd)
	}
	return ""
}

func (s *story) show() string {
	var b strings.Builder
	d := s.last
	fmt.Fprintf(&b, "sizes=%v members=%d", s.sizes, s.w.members())
	if d.Hold {
		b.WriteString(" hold")
	}
	if d.Limit != "" {
		fmt.Fprintf(&b, " limit=%s", d.Limit)
	}
	fmt.Fprintf(&b, "\nservice %s %.3g, %.1f %% in time\n", d.Service.Source, d.Service.PerSecond, 100*s.w.total.inTime())
	for _, step := range d.Steps {
		fmt.Fprintf(&b, "  %s %d -> %d: %s\n", step.Rule, step.Before, step.After, step.Reason)
	}
	return b.String()
}

func (s *story) table() string {
	var b strings.Builder
	for _, n := range s.last.Sizes {
		fmt.Fprintf(&b, "%d: worst %s, %.1f %% in time, %.1f replica-hours, lasts %s: %s\n",
			n.Replicas, n.Worst.Round(time.Second), 100*n.InTime, n.ReplicaHours, n.Lasts, n.Why)
	}
	for _, f := range s.last.Forecast {
		fmt.Fprintf(&b, "in %s: %.0f, high %.0f\n", f.Ahead, f.Expected, f.High)
	}
	return b.String()
}
