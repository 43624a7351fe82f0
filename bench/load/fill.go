package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// recorder takes notes from many goroutines.
type recorder struct {
	mu sync.Mutex
	Result
}

func (r *recorder) note(method string, call func() error) error {
	began := time.Now()
	err := call()
	took := time.Since(began)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.Errors[status.Code(err).String()]++
		r.Sample = err.Error()
		return err
	}
	r.Latencies[method] = append(r.Latencies[method], took)
	return nil
}

// Filled is how a scaler took up ScaledObjects that it had never heard of.
type Filled struct {
	// First are the first attempts, Retries how many more it took, as KEDA would make them.
	First   Result
	Retries int
	// Unfilled is how many objects had no value when that was given up.
	Unfilled int
	// Took is the time until every object had a value.
	Took time.Duration
	// Wrong is the first value that was not the lag; empty where all were.
	Wrong string
}

// fillLimit is when filling is given up.
const fillLimit = 60 * time.Second

// retryAfter is when an object without a value is asked about again: sooner than KEDA would.
const retryAfter = 5 * time.Second

// Fill asks about every object for the first time, all within a span, and again
// until it has a value, which must be the group's lag.
func Fill(ctx context.Context, conn grpc.ClientConnInterface, objects []Object, within time.Duration) Filled {
	ctx, cancel := context.WithTimeout(ctx, fillLimit)
	defer cancel()
	r := &recorder{Result: NewResult()}
	f := Filled{Unfilled: len(objects)}
	client := pb.NewExternalScalerClient(conn)
	var asking sync.WaitGroup
	began := time.Now()
	for i, o := range objects {
		sleepUntil(ctx, began.Add(within*time.Duration(i)/time.Duration(len(objects))))
		asking.Go(func() {
			note := r.note
			for attempt := 0; ctx.Err() == nil; attempt++ {
				value, err := o.first(ctx, client, note)
				r.mu.Lock()
				if attempt > 0 {
					f.Retries++
				}
				if err == nil && value != o.Lag && f.Wrong == "" {
					f.Wrong = fmt.Sprintf("%s: value %d, lag %d", o.Ref.GetName(), value, o.Lag)
				}
				if err == nil {
					f.Unfilled--
				}
				r.mu.Unlock()
				if err == nil {
					return
				}
				note = func(_ string, call func() error) error { return call() }
				sleepUntil(ctx, time.Now().Add(retryAfter))
			}
		})
	}
	asking.Wait()
	f.First, f.Took = r.Result, time.Since(began)
	return f
}

func (o Object) first(ctx context.Context, client pb.ExternalScalerClient, note func(string, func() error) error) (value int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = note("GetMetricSpec", func() error {
		_, err := client.GetMetricSpec(ctx, o.Ref)
		return err
	})
	if err != nil {
		return 0, err
	}
	err = note("GetMetrics", func() error {
		answer, err := client.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: o.Ref, MetricName: o.Metric})
		if err == nil {
			value = answer.GetMetricValues()[0].GetMetricValue()
		}
		return err
	})
	return value, err
}
