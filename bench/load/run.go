package load

import (
	"context"
	"slices"
	"sync"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
)

// callTimeout is how long KEDA's operator waits for an external scaler.
const callTimeout = 3 * time.Second

// Pace says how often it is asked.
type Pace struct {
	// Poll is KEDA's pollingInterval, HPA the time between two looks of an HPA.
	Poll, HPA time.Duration
}

// KEDAsPace is KEDA's and Kubernetes' own.
func KEDAsPace() Pace { return Pace{Poll: 30 * time.Second, HPA: 15 * time.Second} }

// Result is what was asked and how long the answers took.
type Result struct {
	// Latencies are those of the calls that were answered, ascending, by method.
	Latencies map[string][]time.Duration
	// Errors counts the calls that failed, by gRPC code.
	Errors map[string]int
	// Sample is the text of one error.
	Sample string
	Took   time.Duration
}

// Calls is how many calls were answered.
func (r Result) Calls() int {
	n := 0
	for _, all := range r.Latencies {
		n += len(all)
	}
	return n
}

// Failed is how many calls were not.
func (r Result) Failed() int {
	n := 0
	for _, count := range r.Errors {
		n += count
	}
	return n
}

// Quantile is that of the latencies of some methods.
func (r Result) Quantile(q float64, methods ...string) time.Duration {
	var all []time.Duration
	for _, m := range methods {
		all = append(all, r.Latencies[m]...)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

// Add takes in the result of another window.
func (r *Result) Add(other Result) {
	for method, all := range other.Latencies {
		r.Latencies[method] = append(r.Latencies[method], all...)
	}
	for code, n := range other.Errors {
		r.Errors[code] += n
	}
	if r.Sample == "" {
		r.Sample = other.Sample
	}
	r.Took += other.Took
}

// NewResult is an empty one.
func NewResult() Result {
	return Result{Latencies: map[string][]time.Duration{}, Errors: map[string]int{}}
}

// Run asks about the objects at the pace, their turns spread evenly, for so long.
// An evaluation starts when it is due, whether or not earlier ones are answered.
func Run(ctx context.Context, conn grpc.ClientConnInterface, objects []Object, pace Pace, span time.Duration) Result {
	r := &recorder{Result: NewResult()}
	client := pb.NewExternalScalerClient(conn)
	began := time.Now()
	var asking sync.WaitGroup
	for _, turn := range turns(objects, pace, span) {
		if !sleepUntil(ctx, began.Add(turn.at)) {
			break
		}
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, callTimeout)
			defer cancel()
			_ = objects[turn.object].evaluate(ctx, client, r.note)
		})
	}
	sleepUntil(ctx, began.Add(span))
	r.Took = time.Since(began)
	asking.Wait()
	return r.Result
}

type turn struct {
	at     time.Duration
	object int
}

// turns are all evaluations of a span, in their order.
func turns(objects []Object, pace Pace, span time.Duration) []turn {
	var all []turn
	add := func(i int, every time.Duration, phase float64) {
		first := time.Duration(float64(every) * (phase - float64(int(phase))))
		for at := first; at < span; at += every {
			all = append(all, turn{at, i})
		}
	}
	// Steps by the golden ratio spread the phases evenly however many objects there are.
	const golden = 0.6180339887
	for i, o := range objects {
		add(i, pace.Poll, float64(i)*golden)
		if o.HPA {
			add(i, pace.HPA, float64(i)*golden+0.5)
		}
	}
	slices.SortFunc(all, func(a, b turn) int { return int(a.at - b.at) })
	return all
}

func sleepUntil(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
