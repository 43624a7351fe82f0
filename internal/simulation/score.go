package simulation

import (
	"math"
	"time"
)

// score keeps the books of a run.
type score struct {
	warmup     float64
	objectives []float64
	shortest   float64 // the first objective, or infinite: most records are below it, and cost one comparison
	latencies  latencies
	result     Result
}

func newScore(s *Scenario, name string) *score {
	k := &score{warmup: s.Warmup.Seconds(), shortest: math.Inf(1)}
	for _, o := range s.Objectives {
		k.objectives = append(k.objectives, o.Seconds())
	}
	if len(k.objectives) > 0 {
		k.shortest = k.objectives[0]
	}
	k.result = Result{Name: name, Length: s.Length, Late: make([]int64, len(s.Objectives))}
	n := int((s.Length + TimelineStep - 1) / TimelineStep)
	k.result.Timeline = make([]Point, n)
	for i := range k.result.Timeline {
		k.result.Timeline[i] = Point{At: time.Duration(i) * TimelineStep, Late: make([]int64, len(s.Objectives))}
	}
	return k
}

// processed takes a record in, at the end of its processing.
func (k *score) processed(arrived, done float64) {
	if arrived < k.warmup {
		return
	}
	latency := done - arrived
	k.latencies.add(latency)
	if latency > k.shortest {
		k.late(arrived, latency)
	}
}

func (k *score) late(arrived, latency float64) {
	point := k.point(arrived)
	for i, o := range k.objectives {
		if latency > o {
			k.result.Late[i]++
			point.Late[i]++
		}
	}
}

// second takes in how many pods there were in a second that is over.
func (k *score) second(now float64, replicas, ready int) {
	k.result.ReplicaSeconds += float64(replicas)
	point := k.point(now)
	point.Replicas += float64(replicas)
	point.Ready += float64(ready)
}

// point is the minute of the timeline that a time, in seconds since the start of the run, is in.
func (k *score) point(at float64) *Point {
	return &k.result.Timeline[int((at-k.warmup)/TimelineStep.Seconds())]
}

// finish adds up. Records that still wait count with their age where that is beyond every objective; whether
// the others would have been in time is not known, and they are left out.
func (k *score) finish(g *group, s *Scenario) Result {
	end := s.Steps()
	longest := 0.0
	for _, o := range k.objectives {
		longest = max(longest, o)
	}
	for _, p := range g.partitions {
		p.log.seek(p.log.at)
		for p.log.at.offset < p.done {
			p.log.head(end)
			p.log.pop()
		}
		for {
			arrived := p.log.head(end)
			if float64(end)-arrived <= longest {
				break
			}
			k.processed(arrived, float64(end))
			p.log.pop()
		}
	}
	r := &k.result
	r.Records = k.latencies.total
	if r.Records > 0 {
		r.Mean = toDuration(k.latencies.sum / float64(r.Records))
	}
	r.P50, r.P99 = k.latencies.quantile(0.5), k.latencies.quantile(0.99)
	r.Max = toDuration(k.latencies.max)
	for i := range r.Timeline {
		seconds := min(TimelineStep, s.Length-r.Timeline[i].At).Seconds()
		r.Timeline[i].Replicas /= seconds
		r.Timeline[i].Ready /= seconds
	}
	return *r
}
