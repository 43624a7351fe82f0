package latency_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy/latency"
)

// world is a consumer group in steps of a second: fluid records, one queue a partition, members that share
// what they can do among their partitions, pods that take time to start, and rebalances that stop consumers.
// It is deterministic by its seed.
type world struct {
	rate       func(second float64) float64 // what arrives, in records a second
	weights    []float64                    // the share of each partition; they add up to 1
	service    float64                      // of a member, in records a second
	ceiling    float64                      // what all members together can do; 0: no limit
	threads    int
	pause      int     // seconds that a rebalance stops consumers
	eager      bool    // all of them, or those of moved partitions only
	noise      float64 // standard deviation of arrivals
	commits    int     // seconds between two commits
	observes   int     // seconds between two observations
	most       int     // replicas that the cluster has room for; 0: no limit
	rnd        *rand.Rand
	start      time.Time
	second     int
	queues     []queue
	pods       []pod
	owner      []int32
	pausedTo   []int
	generation int64
	state      latency.GroupState
	wave       float64
	asked      int
	total      totals
	lateAfter  int
	hungUntil  int // no member consumes before
	planner    *latency.Planner
	onDecision func(latency.Decision)
}

type pod struct{ ready int }

// totals are what happened since they were last cleared.
type totals struct {
	records, late  float64
	replicaSeconds float64
	work           float64
	changes        int
	ages           []float64 // records by age in seconds
}

func (t totals) inTime() float64 { return 1 - t.late/max(1, t.records) }

// queue is what waits in a partition: how much came in each second.
type queue struct {
	end, done, committed float64
	from                 int // the second that waiting begins with
	came                 []float64
}

func newWorld(partitions int, service float64, seed uint64, rate func(float64) float64) *world {
	w := &world{
		rate: rate, service: service, threads: 1, pause: 5, eager: true, noise: 0.05, commits: 5, observes: 5,
		rnd: rand.New(rand.NewPCG(seed, 1)), start: start, lateAfter: 60, state: latency.Stable,
		queues: make([]queue, partitions), owner: make([]int32, partitions), pausedTo: make([]int, partitions),
	}
	for range partitions {
		w.weights = append(w.weights, 1/float64(partitions))
	}
	return w
}

func (w *world) now() time.Time { return w.start.Add(time.Duration(w.second) * time.Second) }

// begin starts so many replicas that consume at once.
func (w *world) begin(replicas int) {
	w.asked = replicas
	for range replicas {
		w.pods = append(w.pods, pod{ready: -1})
	}
	w.rebalance()
	clear(w.pausedTo)
}

func (w *world) members() int {
	n := 0
	for _, p := range w.pods {
		if p.ready <= w.second {
			n++
		}
	}
	return n * w.threads
}

// rebalance gives each member its fair number of partitions and lets it keep what it can.
func (w *world) rebalance() {
	n := w.members()
	w.generation++
	if n == 0 {
		for i := range w.owner {
			w.owner[i] = latency.NoOwner
		}
		w.state = latency.Empty
		return
	}
	w.state = latency.Stable
	fair := (len(w.owner) + n - 1) / n
	full := len(w.owner) - (fair-1)*n // members that may have the larger number
	count := make([]int, n)
	var free []int
	for i, o := range w.owner {
		most := fair
		if o >= 0 && int(o) < n && full <= 0 {
			most = fair - 1
		}
		if o < 0 || int(o) >= n || count[o] >= most || (count[o] == fair-1 && full <= 0) {
			free = append(free, i)
			continue
		}
		if count[o]++; count[o] == fair {
			full--
		}
	}
	for _, i := range free {
		least := slices.Index(count, slices.Min(count))
		w.owner[i] = int32(least)
		count[least]++
		w.pausedTo[i] = max(w.pausedTo[i], w.second+w.pause)
	}
	if w.eager {
		for i := range w.pausedTo {
			w.pausedTo[i] = w.second + w.pause
		}
	}
}

// scale is what the HPA does: at once, and exactly.
func (w *world) scale(to int) {
	if w.most > 0 {
		to = min(to, w.most)
	}
	if to == w.asked {
		return
	}
	w.total.changes++
	for range to - w.asked {
		w.pods = append(w.pods, pod{ready: w.second + 20 + w.rnd.IntN(21)})
	}
	if to < w.asked {
		gone := w.pods[to:]
		w.pods = w.pods[:to]
		if slices.ContainsFunc(gone, func(p pod) bool { return p.ready <= w.second }) {
			w.rebalance()
		}
	}
	w.asked = to
}

// step lets a second pass.
func (w *world) step() {
	w.second++
	if slices.ContainsFunc(w.pods, func(p pod) bool { return p.ready == w.second }) {
		slices.SortStableFunc(w.pods, func(a, b pod) int { return a.ready - b.ready })
		w.rebalance()
	}
	w.arrive()
	w.consume()
	w.total.replicaSeconds += float64(len(w.pods))
	if w.second%w.commits == 0 {
		for i := range w.queues {
			if w.owner[i] >= 0 && w.pausedTo[i] <= w.second && w.hungUntil <= w.second {
				w.queues[i].committed = w.queues[i].done
			}
		}
	}
	if w.planner == nil {
		return
	}
	if w.second%w.observes == 0 {
		w.observe(w.planner)
	}
	if w.second%15 == 7 {
		d := w.planner.Decide(w.now())
		if w.onDecision != nil {
			w.onDecision(d)
		}
		if !d.Hold {
			w.scale(d.Replicas)
		}
	}
}

func (w *world) arrive() {
	const memory = 20
	decay := math.Exp(-1.0 / memory)
	w.wave = w.wave*decay + w.rnd.NormFloat64()*math.Sqrt(1-decay*decay)
	rate := w.rate(float64(w.second)) * math.Exp(w.noise*w.wave-w.noise*w.noise/2)
	w.total.work += rate / w.service
	for i := range w.queues {
		mean := rate * w.weights[i]
		n := mean
		if w.noise > 0 {
			n = max(0, math.Round(mean+math.Sqrt(mean)*w.rnd.NormFloat64()))
		}
		w.queues[i].add(w.second, n)
	}
}

func (q *queue) add(second int, n float64) {
	if len(q.came) == 0 {
		q.from = second
	}
	q.end += n
	q.came = append(q.came, n)
}

func (w *world) consume() {
	if w.hungUntil > w.second {
		return
	}
	waiting := map[int32]float64{}
	var all float64
	for i, q := range w.queues {
		if o := w.owner[i]; o >= 0 && w.pausedTo[i] <= w.second {
			waiting[o] += q.end - q.done
		}
	}
	for _, n := range waiting {
		all += min(n, w.service)
	}
	brake := 1.0
	if w.ceiling > 0 && all > w.ceiling {
		brake = w.ceiling / all
	}
	for i := range w.queues {
		o := w.owner[i]
		if o < 0 || w.pausedTo[i] > w.second || waiting[o] == 0 {
			continue
		}
		q := &w.queues[i]
		w.take(q, (q.end-q.done)*min(1, w.service/waiting[o])*brake)
	}
}

// take consumes the oldest records of a partition and keeps account of their age.
func (w *world) take(q *queue, n float64) {
	q.done += n
	for n > 1e-9 && len(q.came) > 0 {
		some := min(n, q.came[0])
		age := w.second - q.from
		w.total.records += some
		if age > w.lateAfter {
			w.total.late += some
		}
		for len(w.total.ages) <= age {
			w.total.ages = append(w.total.ages, 0)
		}
		w.total.ages[age] += some
		n -= some
		if q.came[0] -= some; q.came[0] <= 1e-9 {
			q.came = q.came[1:]
			q.from++
		}
	}
}

func (w *world) observe(p *latency.Planner) {
	o := latency.Observation{
		At: w.now(), State: w.state, Members: w.members(), Generation: w.generation,
		Partitions: make([]latency.Partition, len(w.queues)),
	}
	for i, q := range w.queues {
		o.Partitions[i] = latency.Partition{ID: int32(i), Owner: w.owner[i], LogEnd: int64(q.end), Committed: int64(q.committed)}
	}
	p.Observe(o)
}

// run lets seconds pass.
func (w *world) run(seconds int) {
	for range seconds {
		w.step()
	}
}

// grow adds partitions; all get the same then.
func (w *world) grow(to int) {
	for len(w.queues) < to {
		w.queues, w.owner, w.pausedTo = append(w.queues, queue{}), append(w.owner, latency.NoOwner), append(w.pausedTo, 0)
		w.weights = append(w.weights, 0)
	}
	for i := range w.weights {
		w.weights[i] = 1 / float64(to)
	}
	w.rebalance()
}

// rewind sets the commits of all partitions back by so many records in all, which have just come then.
func (w *world) rewind(records float64) {
	for i := range w.queues {
		q := &w.queues[i]
		n := min(q.done, records/float64(len(w.queues)))
		if len(q.came) == 0 {
			q.from = w.second
			q.came = append(q.came, 0)
		}
		q.done -= n
		q.committed = q.done
		q.came[0] += n
	}
}
