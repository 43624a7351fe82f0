package e2e

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
)

// Three workloads are the same but for who scales them.
const (
	byKEDA       = "by-keda"       // KEDA's own trigger
	byCompatible = "by-compatible" // ours, compatibility: keda
	byUs         = "by-us"         // ours as it comes
)

// A lagStep is one line of a load script: how far each partition is behind, and how
// many replicas each trigger has to come to rest at.
type lagStep struct {
	name string
	lag  []int64
	// before is done before the commits; nil for nothing.
	before     func(t *testing.T, s *harness.Scene, topic string)
	keda, ours int
	// via is what ours may have on the way; 0 for nothing.
	via int
	// issue is KEDA's issue where the two differ on purpose.
	issue string
}

// logEnd is how many records each partition has from the start: a script moves only the commits, so that each
// step is one atomic change for all three.
const logEnd = 1000

var fivePartitions = []lagStep{
	{name: "one record behind", lag: []int64{1, 0, 0, 0, 0}, keda: 1, ours: 1},
	{name: "15 evenly", lag: []int64{3, 3, 3, 3, 3}, keda: 3, ours: 3},
	{name: "29 on one partition", lag: []int64{29, 0, 0, 0, 0}, keda: 6, ours: 5, issue: "4483"},
	{name: "200 evenly", lag: []int64{40, 40, 40, 40, 40}, keda: 5, ours: 5},
	{name: "23: within the tolerance", lag: []int64{23, 0, 0, 0, 0}, keda: 5, ours: 5},
	{name: "20 on two partitions", lag: []int64{10, 10, 0, 0, 0}, keda: 4, ours: 4},
	// The one past the end counts 1 in ours, so that a consumer comes up and is reset.
	{name: "9, one commit past the end", lag: []int64{9, -100, 0, 0, 0}, keda: 0, ours: 2, issue: "2612"},
	// The scaler reads log starts every few seconds. Until then, ours counts what has expired too.
	{name: "35 of 50 expired", lag: []int64{50, 0, 0, 0, 0}, keda: 5, ours: 3, via: 5, issue: "7936", before: expire},
	{name: "caught up", lag: []int64{0, 0, 0, 0, 0}, keda: 0, ours: 0},
}

// expire deletes all but the last 15 records of partition 0.
func expire(t *testing.T, s *harness.Scene, topic string) {
	if err := s.Kafka.DeleteRecords(t.Context(), topic, 0, logEnd-15); err != nil {
		t.Fatal(err)
	}
}

var twelvePartitions = []lagStep{
	{name: "50", lag: evenly(12, 50), keda: 5, ours: 5},
	{name: "110", lag: evenly(12, 110), keda: 11, ours: 12, issue: "2908"},
	{name: "1200", lag: evenly(12, 1200), keda: 11, ours: 12, issue: "2908"},
	{name: "60", lag: evenly(12, 60), keda: 6, ours: 6},
	{name: "caught up", lag: evenly(12, 0), keda: 0, ours: 0},
}

// evenly spreads a lag over partitions.
func evenly(partitions int, total int64) []int64 {
	lag := make([]int64, partitions)
	for i := range lag {
		lag[i] = total / int64(partitions)
		if int64(i) < total%int64(partitions) {
			lag[i]++
		}
	}
	return lag
}

// TestDifferencesAreDocumented finds each step in which we differ on purpose in the page about moving here.
func TestDifferencesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/migrating-from-keda-kafka.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range slices.Concat(fivePartitions, twelvePartitions) {
		if step.issue != "" && !strings.Contains(string(page), "#"+step.issue) {
			t.Errorf("step %q: KEDA's issue %s is not on the page", step.name, step.issue)
		}
	}
}

// TestDropIn scales the same lag by KEDA's own trigger, by ours in compatibility mode, and by ours as it comes.
func TestDropIn(t *testing.T) {
	for _, c := range []struct {
		name, title string
		threshold   int
		steps       []lagStep
	}{
		{"drop-in", "1. Drop-in: 5 partitions, lagThreshold 5", 5, fivePartitions},
		{"drop-in-last-replicas", "1. Drop-in: 12 partitions, lagThreshold 10", 10, twelvePartitions},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := world.Scene(t, c.name, c.title,
				"KEDA's own trigger and ours with compatibility: keda take the same replica counts in the same order, each within 6 s of the other",
				"ours as it comes differs in exactly the documented steps",
				"every step leads straight from one count to the next, but for KEDA's own single replica from and to zero")
			playSteps(t, s, c.threshold, c.steps)
		})
	}
	t.Run("live", testDropInLive)
}

func playSteps(t *testing.T, s *harness.Scene, threshold int, steps []lagStep) {
	const topic = "steps"
	names := []string{byKEDA, byCompatible, byUs}
	lagPanelOf(s, byUs)
	replicaPanel(s, names...)
	topicName := s.Namespace + "-" + topic
	createTopic(t, s, topicName, int32(len(steps[0].lag)), nil)
	for p := range steps[0].lag {
		if err := s.Kafka.Produce(t.Context(), topicName, int32(p), logEnd); err != nil {
			t.Fatal(err)
		}
	}
	caughtUp := lagStep{lag: make([]int64, len(steps[0].lag))}
	var workloads []*harness.Workload
	for _, name := range names {
		commit(t, s, topicName, name, caughtUp)
		workloads = append(workloads, s.Deploy(dropIn(name, topicName, threshold, 20)))
	}
	for _, step := range steps {
		playStep(t, s, topicName, step, workloads)
	}
	compareCurves(t, workloads[0].History(), workloads[1].History())
	for _, w := range workloads {
		s.Figure("%s: %v", w.Name, w.History().Counts())
	}
}

// hpaFirst is a cooldown period, in seconds, that lets even a slow HPA go to 1 replica before KEDA goes to 0: else
// whether that 1 is there would depend on who is faster.
const hpaFirst = 6

// dropIn describes one of the three workloads.
func dropIn(name, topic string, threshold, most int) harness.Spec {
	c := change(most, map[string]string{"lagThreshold": strconv.Itoa(threshold)})
	c.CooldownPeriod = hpaFirst
	switch name {
	case byKEDA:
		c.Type = harness.Own
	case byCompatible:
		c.Metadata["compatibility"] = "keda"
	}
	return harness.Spec{Name: name, Topics: []string{topic}, Change: c}
}

func commit(t *testing.T, s *harness.Scene, topic, workload string, step lagStep) {
	t.Helper()
	offsets := map[int32]int64{}
	for p, lag := range step.lag {
		offsets[int32(p)] = logEnd - lag
	}
	if err := s.Kafka.Commit(t.Context(), s.Group(workload), topic, offsets); err != nil {
		t.Fatal(err)
	}
}

// playStep sets the lag of all groups, waits until each workload has the replicas that it has to have, and
// then a while longer, in which nothing may move any more.
func playStep(t *testing.T, s *harness.Scene, topic string, step lagStep, workloads []*harness.Workload) {
	t.Helper()
	if (step.keda != step.ours) != (step.issue != "") {
		t.Fatalf("step %q: a difference and its issue belong together", step.name)
	}
	began := s.Recorder.Event(step.name)
	if step.before != nil {
		step.before(t, s, topic)
	}
	for _, w := range workloads {
		commit(t, s, topic, w.Name, step)
	}
	want := map[string]int{byKEDA: step.keda, byCompatible: step.keda, byUs: step.ours}
	for _, w := range workloads {
		w.WaitReplicas(want[w.Name], reaction)
	}
	s.Wait(3 * time.Second)
	for _, w := range workloads {
		if got := w.Replicas(); got != want[w.Name] {
			t.Errorf("step %q, %s: %d replicas after having had %d", step.name, w.Name, got, want[w.Name])
		}
		via := 0
		if w.Name == byUs {
			via = step.via
		}
		if way := w.History().Since(began).Counts(); !straight(way, via) {
			t.Errorf("step %q, %s: replicas %v, which is a detour", step.name, w.Name, way)
		}
	}
}

// straight reports whether a way has no counts between its ends but via, and the 1 by which KEDA goes from and to 0.
func straight(way []int, via int) bool {
	if len(way) <= 2 {
		return true
	}
	zero := way[0] == 0 || way[len(way)-1] == 0
	for _, n := range way[1 : len(way)-1] {
		if n != via && (n != 1 || !zero) {
			return false
		}
	}
	return true
}

// compareCurves demands that two histories have the same counts, and each at about the same time.
func compareCurves(t *testing.T, a, b harness.History) {
	t.Helper()
	if !slices.Equal(a.Counts(), b.Counts()) {
		t.Errorf("%s and %s took different ways:\n%s\n%s", byKEDA, byCompatible, a, b)
		return
	}
	for i := 1; i < len(a); i++ {
		if apart := a[i].At.Sub(b[i].At).Abs(); apart > 6*time.Second {
			t.Errorf("change %d, to %d replicas: %s and %s are %s apart", i, a[i].Replicas, byKEDA, byCompatible, apart.Round(time.Millisecond))
		}
	}
}

// testDropInLive has real consumers at work in each group. Then the lag depends on the replicas, no two runs
// are alike, and the curves are compared by what a user would look at.
func testDropInLive(t *testing.T) {
	s := world.Scene(t, "drop-in-live", "1. Drop-in with live consumers: 6 partitions, 20 records/s each, load 10/s then 200/s",
		"KEDA's own trigger and ours, in both modes, get to 6 replicas within 10 s of each other and use replica-seconds within 30 % of KEDA's",
		"the first two may touch a useless 7th for a moment (KEDA issue 4483), ours as it comes never has more than 6")
	names := []string{byKEDA, byCompatible, byUs}
	lagPanel(s, names...)
	replicaPanel(s, names...)
	topic := s.Namespace + "-live"
	const partitions = 6
	createTopic(t, s, topic, partitions, nil)
	var workloads []*harness.Workload
	for _, name := range names {
		spec := dropIn(name, topic, 20, 10)
		spec.Change.Metadata["offsetResetPolicy"] = "earliest"
		spec.StartDelay = 500 * time.Millisecond
		spec.Work = consumer(s, name, topic, 50*time.Millisecond).Work
		workloads = append(workloads, s.Deploy(spec))
	}
	s.Recorder.Event("10 records/s")
	began := time.Now()
	p := produce(t, s, topic, 10)
	s.Wait(12 * time.Second)
	s.Recorder.Event("200 records/s")
	p.SetRate(200)
	s.Wait(20 * time.Second)
	s.Recorder.Event("no load")
	finish(t, p)
	for _, w := range workloads {
		w.WaitReplicas(0, 90*time.Second)
	}
	ended := time.Now()
	keda := workloads[0].History()
	kedaAt, _ := keda.First(partitions)
	for _, w := range workloads {
		h := w.History()
		s.Figure("%s: peak %d, %.0f replica-seconds", w.Name, h.Max(), replicaSeconds(h, began, ended))
		most := partitions + 1
		if w.Name == byUs {
			most = partitions
		}
		at, full := h.First(partitions)
		if !full || h.Max() > most {
			t.Errorf("%s peaks at %d, want %d to %d", w.Name, h.Max(), partitions, most)
		}
		if apart := at.Sub(kedaAt).Abs(); apart > 10*time.Second {
			t.Errorf("%s and %s reach %d replicas %s apart", w.Name, byKEDA, partitions, apart)
		}
		if a, b := replicaSeconds(h, began, ended), replicaSeconds(keda, began, ended); a < 0.7*b || a > 1.3*b {
			t.Errorf("%s used %.0f replica-seconds, %s %.0f", w.Name, a, byKEDA, b)
		}
	}
}

// replicaSeconds is what a workload cost.
func replicaSeconds(h harness.History, from, to time.Time) float64 {
	total := 0.0
	for i, c := range h {
		end := to
		if i+1 < len(h) {
			end = h[i+1].At
		}
		if start := later(c.At, from); end.After(start) {
			total += end.Sub(start).Seconds() * float64(c.Replicas)
		}
	}
	return total
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
