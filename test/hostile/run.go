package hostile

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/internal/deployed"
	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

const (
	// warmUp is how long the honest triggers are alone, for the state before the attack.
	warmUp = 12 * time.Second
	// lookEvery is how often the victim is looked at.
	lookEvery = 10 * time.Second // as often as an eager Prometheus, since a look costs the victim a page of metrics
)

// What goes up and down is looked at several times.
const (
	settling     = 5 * time.Second
	settlingLook = time.Second
)

// Options say what to run.
type Options struct {
	// Seed is what attacks are drawn from.
	Seed uint64
	// Duration is how long the attack lasts.
	Duration time.Duration
	// Calm is how long after it everything may take to be back where it was.
	Calm time.Duration
	// Authentic has the honest cluster be a real Kafka, not a fake.
	Authentic bool
	// IdleAfter is refresh.idleAfter of the scaler, such as "10s".
	IdleAfter string
	// Timed has what is late be a failure: an honest call without an answer in time, a stream that is silent for long, a
	// p99 of honest calls of 100 ms. It says something of the scaler where the machine has a core for it.
	Timed bool
	// Attacks and Kinds select attacks and hostile brokers by name; nil for all.
	Attacks, Kinds *regexp.Regexp
	// Manifest is where the limits of the deployment stand.
	Manifest string
	// Dir takes the binary, the configuration and the log.
	Dir string
	// Log gets a line now and then.
	Log func(format string, args ...any)
}

// run is one run under way.
type run struct {
	opts      Options
	victim    *victim
	attackers *attackers
	notes     *notes
	report    *Report
}

// Run attacks the scaler for a while. The error is one of the test itself; what the
// scaler did wrong is in the report. A scaler that has ended is in the report too.
func Run(ctx context.Context, o Options) (*Report, error) {
	limits, err := deployed.ReadLimits(o.Manifest)
	if err != nil {
		return nil, err
	}
	binary, err := buildScaler(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	kafka, err := startKafka(ctx, o.Authentic)
	if err != nil {
		return nil, err
	}
	defer func() { _ = kafka.Close() }()
	inline, err := startInline(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = inline.Close() }()
	hostile, err := startAttackers(o)
	if err != nil {
		return nil, err
	}
	defer hostile.process.Kill()
	v, err := startVictim(binary, o.Dir, configuration(kafka.Bootstrap(), o.IdleAfter, hostile.clusters), limits)
	if err != nil {
		return nil, err
	}
	defer v.stop()
	r := &run{opts: o, victim: v, attackers: hostile, notes: newNotes()}
	r.report = newReport(o, limits, v.cage.holds())
	return r.report, r.all(ctx, kafka, inline)
}

// startInline is the second honest cluster, a fake, that honest triggers bring by address.
func startInline(ctx context.Context) (Kafka, error) {
	c, err := fakekafka.New(1)
	if err != nil {
		return nil, err
	}
	k := fake{c}
	if err := furnish(ctx, k); err != nil {
		_ = k.Close()
		return nil, err
	}
	return k, nil
}

// all is the run: honest triggers alone, then the attack, then honest triggers alone again.
func (r *run) all(ctx context.Context, kafka, inline Kafka) error {
	conn, err := dial(r.victim.grpc)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	side := &honestSide{
		keda: pb.NewExternalScalerClient(conn), kafka: kafka, notes: newNotes(),
		objects: honestObjects(inline.Bootstrap()[0]),
	}
	honestCtx, endHonest := context.WithCancel(ctx)
	var honest sync.WaitGroup
	defer honest.Wait()
	defer endHonest()
	// What is slow or unknown in the first seconds is no harm done by anybody.
	side.prime(ctx)
	side.notes = r.notes
	honest.Go(func() { side.run(honestCtx) })
	if !pace.Sleep(ctx, warmUp) {
		return ctx.Err()
	}
	if r.report.Before, err = r.settled(ctx, settling); err != nil {
		return err
	}
	r.opts.Log("before: %s", r.report.Before)
	if err := r.attack(ctx); err != nil {
		return err
	}
	r.calm(ctx)
	endHonest()
	honest.Wait()
	seen, err := r.attackers.leave(r.notes)
	if err != nil {
		return err
	}
	r.report.finish(r.notes, seen)
	return ctx.Err()
}

// prime asks for everything once, and again where there is no answer yet.
func (h *honestSide) prime(ctx context.Context) {
	var asking sync.WaitGroup
	for _, o := range h.objects {
		asking.Go(func() {
			for range 10 {
				call, cancel := context.WithTimeout(ctx, callTimeout)
				_, err := h.keda.GetMetrics(call, &pb.GetMetricsRequest{ScaledObjectRef: o.ref})
				cancel()
				if err == nil || !pace.Sleep(ctx, time.Second) {
					return
				}
			}
		})
	}
	asking.Wait()
}

// attack has the attackers attack for the duration, and looks at the victim meanwhile.
func (r *run) attack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.opts.Duration)
	defer cancel()
	if err := r.attackers.begin(r.victim); err != nil {
		return err
	}
	r.notes.attacked(true)
	defer r.notes.attacked(false)
	said := time.Now()
	for pace.Sleep(ctx, lookEvery) {
		if !r.attackers.process.Running() {
			return r.attackers.process.Failure("attack")
		}
		if !r.victim.process.Running() {
			r.report.died(r.victim)
			break
		}
		s, err := r.victim.state(ctx)
		if err != nil {
			if ctx.Err() == nil {
				r.notes.trouble("%v", err)
			}
			continue
		}
		r.report.during(s)
		if time.Since(said) > max(10*time.Second, r.opts.Duration/60) {
			said = time.Now()
			r.opts.Log("under attack: %s; %s", s, r.notes.summary())
		}
	}
	return r.attackers.end()
}

// calm waits until the victim uses no more than before, or the time for that is over.
func (r *run) calm(ctx context.Context) {
	began := time.Now()
	for r.victim.process.Running() {
		s, err := r.settled(ctx, 2*settling)
		if err != nil {
			r.notes.trouble("%v", err)
		} else {
			r.report.After, r.report.CalmTook = s, time.Since(began)
			r.opts.Log("%s after the attack: %s", time.Since(began).Round(time.Second), s)
			if len(r.report.leftovers()) == 0 || time.Since(began) > r.opts.Calm {
				return
			}
		}
		if time.Since(began) > r.opts.Calm || ctx.Err() != nil {
			return
		}
	}
	r.report.died(r.victim)
}

// settled looks for a while and returns the least of what goes up and down: the heap
// between two collections, connections between two refreshes.
func (r *run) settled(ctx context.Context, while time.Duration) (State, error) {
	least, err := r.victim.state(ctx)
	for range int(while / settlingLook) {
		if !pace.Sleep(ctx, settlingLook) {
			break
		}
		s, errNow := r.victim.state(ctx)
		if errNow != nil {
			return least, errNow
		}
		if err != nil {
			least, err = s, nil
		}
		least = least.least(s)
	}
	return least, err
}

func (s State) least(o State) State {
	peak := max(s.PeakRSS, o.PeakRSS)
	return State{
		RSS: min(s.RSS, o.RSS), PeakRSS: peak, Heap: min(s.Heap, o.Heap), Goroutines: min(s.Goroutines, o.Goroutines),
		Descriptors: min(s.Descriptors, o.Descriptors), Accepted: min(s.Accepted, o.Accepted), Dialed: min(s.Dialed, o.Dialed),
		Series: min(s.Series, o.Series), Queries: min(s.Queries, o.Queries), PageBytes: min(s.PageBytes, o.PageBytes), LogBytes: max(s.LogBytes, o.LogBytes),
		CPUSeconds: max(s.CPUSeconds, o.CPUSeconds), Panics: max(s.Panics, o.Panics),
		Waited: max(s.Waited, o.Waited), HandledP99: max(s.HandledP99, o.HandledP99),
	}
}

func (n *notes) summary() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	calls := 0
	for _, byCode := range n.codes {
		for _, count := range byCode {
			calls += count
		}
	}
	return fmt.Sprintf("%d calls, %d lies, %d silences, honest GetMetrics %s", calls, n.lies.Count, n.silences.Count, latencyOf(n.latencies["honest"]["GetMetrics"]))
}
