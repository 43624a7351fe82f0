package report

import (
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/bench/measure"
	"github.com/kafka-scaler/kafka-scaler/bench/rival"
)

// Goal is one thing to reach, and what was measured.
type Goal struct {
	What     string `json:"what"`
	Want     string `json:"want"`
	Measured string `json:"measured"`
	Met      bool   `json:"met"`
}

const mebi = 1 << 20

// Goals holds the figures of the greatest size against the goals. The goals are for
// 10,000 triggers; those that depend on the size are scaled to what was run.
func (r *Result) Goals() []Goal {
	b := r.Big
	if b == nil {
		return nil
	}
	brokers := float64(b.Size.Brokers)
	mostRequests := 2*brokers + float64(b.Triggers)/1000
	waits := idlePartitions(b) / 400
	mostConnections := 2*brokers + waits
	goals := []Goal{
		atMost("requests per refresh", mostRequests, b.Quiet.RequestsPerRefresh(), "%.1f", ""),
		atMost("connections, those that wait for records among them", mostConnections, float64(max(b.EverySecond.Cost.Connections, b.Default.Cost.Connections)), "%.0f", ""),
		atMost("CPU of a refresh", 200, ms(b.Quiet.CPUPerRefresh()), "%.0f", " ms"),
		below("whole process, refresh interval 1 s", 60, 100*b.EverySecond.Cost.Share(), "%.1f", " % of one core"),
		below("whole process, default interval at this size", 25, 100*b.Default.Cost.Share(), "%.1f", " % of one core"),
		below("resident memory, at most", 256, float64(max(b.EverySecond.Cost.PeakRSS, b.Default.Cost.PeakRSS, b.Shared.Cost.PeakRSS))/mebi, "%.0f", " MiB"),
		below("p99 of GetMetrics and IsActive, interval 1 s", 2, b.EverySecond.Scaler.Values.P99, "%.2f", " ms"),
		below("the same at the default interval", 2, b.Default.Scaler.Values.P99, "%.2f", " ms"),
		againstEcho("p99 against an echo server in the same run, interval 1 s", b.EverySecond),
		againstEcho("the same at the default interval", b.Default),
		againstEcho("the same at an interval of 1 s, sharing all cores", b.Shared),
		atMost("snapshot age when answered, p99, interval 1 s", 2, b.EverySecond.Cost.AgeP99, "%.1f", " s (bound of the histogram's bucket)"),
	}
	return append(goals, r.againstRivals()...)
}

func againstEcho(what string, a Asked) Goal {
	return atMost(what, 1.5, a.Scaler.Values.P99/a.Echo.Values.P99, "%.2f", " x")
}

// idlePartitions is about how many partitions have idle readers only: those of every other topic.
func idlePartitions(b *Big) float64 { return float64(b.Size.Topics*b.Size.Partitions) / 2 }

func (r *Result) againstRivals() []Goal {
	const triggers = 1000
	own := r.point(measure.Own, measure.ByTriggers, triggers)
	if own == nil || own.CPUMS == 0 {
		return nil
	}
	var goals []Goal
	for _, g := range []struct {
		who  string
		want float64
	}{{rival.Kafka, 20}, {rival.ApacheKafka, 1000}} {
		// Where a rival did not get so far, the greatest size that it finished counts, by the trigger.
		var best *measure.Point
		for i := range r.Points {
			p := &r.Points[i]
			if p.Who == g.who && p.Axis == measure.ByTriggers && p.X <= triggers && p.CPUMS > 0 && p.Stopped == "" && (best == nil || p.X > best.X) {
				best = p
			}
		}
		if best == nil {
			continue
		}
		ratio := best.CPUMS / float64(best.Triggers) / (own.CPUMS / float64(own.Triggers))
		goals = append(goals, Goal{
			What:     "CPU to read the lag of one trigger again, against KEDA's " + g.who,
			Want:     fmt.Sprintf(">= %.0f x less", g.want),
			Measured: fmt.Sprintf("%.0f x less (%.0f µs against %.0f µs, it with %d triggers)", ratio, 1000*own.CPUMS/float64(own.Triggers), 1000*best.CPUMS/float64(best.Triggers), best.Triggers),
			Met:      ratio >= g.want,
		})
	}
	return append(goals, r.flat()...)
}

// flat compares 1,000 triggers with the greatest number, both on all topics.
func (r *Result) flat() []Goal {
	few, many := r.point(measure.Own, measure.ByTriggers, 1000), r.point(measure.Own, measure.ByTriggers, r.Big.Triggers)
	if few == nil || many == nil || few == many {
		return nil
	}
	return []Goal{{
		What:     fmt.Sprintf("growth from 1,000 to %d triggers on the same topics", r.Big.Triggers),
		Want:     "flat in connections; in requests but for 1 per 1,000 groups",
		Measured: fmt.Sprintf("connections %d to %d, requests %.1f to %.1f", few.Connections, many.Connections, few.Requests, many.Requests),
		Met:      many.Connections <= few.Connections+1 && many.Requests <= few.Requests+float64(r.Big.Triggers)/1000,
	}}
}

func atMost(what string, want, measured float64, format, unit string) Goal {
	return Goal{what, fmt.Sprintf("at most %g%s", want, unit), fmt.Sprintf(format, measured) + unit, measured <= want}
}

func below(what string, want, measured float64, format, unit string) Goal {
	return Goal{what, fmt.Sprintf("< %g%s", want, unit), fmt.Sprintf(format, measured) + unit, measured >= 0 && measured < want}
}
