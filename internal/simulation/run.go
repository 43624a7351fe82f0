package simulation

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
)

// Epoch is the time on the clock at the start of a run, the same for every run.
func Epoch() time.Time { return time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC) }

// run is the state of one run.
type run struct {
	scenario *Scenario
	work     *Workload
	policy   Policy
	hpa      *kedaloop.HPA
	sync     float64 // when the HPA looks next
	every    float64
	group    *group
	pods     *pods
	use      consumption
	score    *score
	cpu      cpuMeter
	view     View
	changes  int64
}

// Run lets one policy scale the group through the workload. progress, which may be nil, is told the share that
// is done from time to time. It returns ctx's error where ctx ends first.
func Run(ctx context.Context, s Scenario, w *Workload, c Contender, progress func(share float64)) (Result, error) {
	if err := s.Validate(); err != nil {
		return Result{}, err
	}
	if s.Steps() > w.Steps() || s.Partitions != w.Partitions() {
		return Result{}, fmt.Errorf("the workload has %d s of %d partitions, and the scenario %d s of %d",
			w.Steps(), w.Partitions(), s.Steps(), s.Partitions)
	}
	r := newRun(&s, w, c)
	const stride = 600
	for t := range s.Steps() {
		if t%stride == 0 {
			if err := ctx.Err(); err != nil {
				return Result{}, err
			}
			if progress != nil {
				progress(float64(t) / float64(s.Steps()))
			}
		}
		r.step(t)
	}
	result := r.score.finish(r.group, &s)
	result.Changes = r.changes
	return result, nil
}

func newRun(s *Scenario, w *Workload, c Contender) *run {
	spec := c.HPA
	spec.MinReplicas, spec.MaxReplicas = s.MinReplicas, s.Ceiling()
	random := streamOf(s.Seed, 'h')
	r := &run{
		scenario: s, work: w, policy: c.Policy,
		hpa: kedaloop.NewHPA(spec), every: spec.SyncPeriod.Seconds(),
		// KEDA, the HPA's controller and the scaler do not tick together.
		sync:  math.Floor(random.between(0, spec.SyncPeriod.Seconds())),
		group: newGroup(s, w),
		score: newScore(s, c.Name),
	}
	r.pods = newPods(s, r.group)
	r.use = consumption{poll: s.PollRecords, service: newServiceTable(s.Service), slowness: 1, score: r.score}
	r.view = View{
		LogEnd:    make([]int64, s.Partitions),
		Committed: make([]int64, s.Partitions),
		Owner:     make([]int, s.Partitions),
	}
	return r
}

// step is one second. What happens to pods and the group happens at its start; records arrive and are
// processed at any time within it.
func (r *run) step(t int) {
	now := float64(t)
	scored := now >= r.scenario.Warmup.Seconds()
	before := r.group.rebalances
	r.pods.tick(now)
	r.group.tick(now)
	if scored {
		r.score.result.Rebalances += r.group.rebalances - before
	}
	for _, m := range r.group.members {
		if !m.dead && m.commitAt <= now {
			m.commit()
			m.commitAt += r.scenario.CommitInterval.Seconds()
		}
	}
	r.control(t, scored)
	r.consume(t)
	if scored {
		r.score.second(now, len(r.pods.list), r.working())
		r.minute(t)
	}
}

// control shows the policy what there is, and lets the HPA do what it asks for.
func (r *run) control(t int, scored bool) {
	now := float64(t)
	observe, sync := t%int(ObserveInterval.Seconds()) == 0, now >= r.sync
	if !observe && !sync {
		return
	}
	r.look(t)
	if observe {
		r.policy.Observe(&r.view)
	}
	if !sync {
		return
	}
	r.sync += r.every
	value, target, known := r.policy.Metric(&r.view)
	if !known {
		return
	}
	at := Epoch().Add(r.view.At)
	move := r.hpa.Sync(at, r.view.Replicas, value, target)
	if move.To == move.From {
		return
	}
	r.pods.scale(now, move.To)
	if scored {
		r.changes++
	}
}

func (r *run) look(t int) {
	v := &r.view
	v.At = time.Duration(t) * time.Second
	for i, p := range r.group.partitions {
		v.LogEnd[i] = r.work.LogEnd(i, t)
		v.Committed[i] = p.committed.offset
		v.Owner[i] = -1
		if p.owner != nil {
			v.Owner[i] = p.owner.id
		}
	}
	v.Members = len(r.group.members)
	v.Rebalancing, v.Generation = r.group.running, r.group.rebalances
	v.Replicas = int64(len(r.pods.list))
	v.CPU = r.cpu.mean()
}

// consume lets all members work for a second.
func (r *run) consume(t int) {
	r.use.now, r.use.end, r.use.endStep = float64(t), float64(t+1), t+1
	busy, able := 0.0, 0.0
	for _, m := range r.group.members {
		before := m.busy
		m.work(&r.use)
		busy += m.busy - before
		able += (m.busy - before) * m.speed
	}
	r.cpu.add(busy / r.use.slowness)
	if limit := r.scenario.Downstream; limit > 0 {
		// So many records a second would be taken by those who are busy, if nothing held them back.
		r.use.slowness = max(1, able/limit)
	}
}

// minute takes in what arrived in a minute, and what waits at its end, where the second ends one.
func (r *run) minute(t int) {
	since := t + 1 - int(r.score.warmup)
	step := int(TimelineStep.Seconds())
	if since%step != 0 && t+1 != r.scenario.Steps() {
		return
	}
	point := r.score.point(float64(t))
	point.Arrived = r.work.Arrived(t+1-(since-1)%step-1, t+1)
	point.Lag = r.waiting(t + 1)
}

// working is how many members are alive.
func (r *run) working() int {
	n := 0
	for _, m := range r.group.members {
		if !m.dead {
			n++
		}
	}
	return n
}

// waiting is how many records that have arrived were not taken up yet.
func (r *run) waiting(t int) int64 {
	var n int64
	for i, p := range r.group.partitions {
		n += r.work.LogEnd(i, t) - p.done
	}
	return n
}

// cpuMeter is the mean of the last CPUWindow.
type cpuMeter struct {
	seconds [int(CPUWindow / time.Second)]float64
	next    int
}

func (c *cpuMeter) add(busy float64) {
	c.seconds[c.next] = busy
	c.next = (c.next + 1) % len(c.seconds)
}

func (c *cpuMeter) mean() float64 {
	sum := 0.0
	for _, s := range c.seconds {
		sum += s
	}
	return sum / float64(len(c.seconds))
}
