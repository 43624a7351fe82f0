package kafka_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// sweepSize is what the benchmark reads: so many groups, each with commits on so
// many partitions of a topic of its own.
const (
	sweepGroups     = 1000
	sweepPartitions = 10
)

// BenchmarkSweep reads the commits and the log ends of 1,000 groups with 10
// partitions each from three brokers, through this package and through kafka-go's
// own Client, and reports the requests of a sweep and the CPU that the sweep
// costs. The fake brokers run in the same process and their CPU is in the figure
// of both: against real brokers, the ratio is greater.
func BenchmarkSweep(b *testing.B) {
	fake := seeded(b, sweepGroups, sweepPartitions)
	commitEverywhere(b, fake)
	b.Run("kafka-scaler", func(b *testing.B) {
		client := newClient(b, fake)
		parts, groups := allOf(sweepGroups, sweepPartitions), sweepQuestion()
		measure(b, fake, func(ctx context.Context) int {
			known := 0
			client.Commits(ctx, groups, func(answers []lag.GroupCommits) {
				for _, a := range answers {
					known += len(a.Commits)
				}
			})
			client.LogOffsets(ctx, lag.End, parts, func(offsets []lag.LogOffset) {
				for _, o := range offsets {
					if o.Err == nil {
						known++
					}
				}
			})
			return known
		})
	})
	b.Run("kafka-go", func(b *testing.B) {
		transport := &kafkago.Transport{}
		defer transport.CloseIdleConnections()
		client := &kafkago.Client{Addr: kafkago.TCP(fake.ListenAddrs()...), Transport: transport}
		measure(b, fake, func(ctx context.Context) int { return stockSweep(ctx, b, client) })
	})
}

func commitEverywhere(b *testing.B, fake *fakekafka.Cluster) {
	b.Helper()
	for i := range sweepGroups {
		offsets := map[int32]int64{}
		for p := range int32(sweepPartitions) {
			offsets[p] = 0
		}
		fake.Commit(b, fmt.Sprintf("g%d", i), map[string]map[int32]int64{fmt.Sprintf("t%d", i): offsets})
	}
}

func sweepQuestion() []lag.GroupTopics {
	groups := make([]lag.GroupTopics, sweepGroups)
	for i, p := range allOf(sweepGroups, sweepPartitions) {
		groups[i] = lag.GroupTopics{Group: fmt.Sprintf("g%d", i), Topics: []lag.TopicPartitions{p}}
	}
	return groups
}

// measure runs sweeps that must each learn 20,000 offsets, and reports requests and CPU.
func measure(b *testing.B, fake *fakekafka.Cluster, sweep func(context.Context) int) {
	b.Helper()
	once := func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if got, want := sweep(ctx), 2*sweepGroups*sweepPartitions; got != want {
			b.Fatalf("a sweep learned %d offsets, want %d", got, want)
		}
	}
	once() // routes, coordinators and connections
	runtime.GC()
	fake.Requests()
	before := cpu(b)
	sweeps := 0
	for b.Loop() {
		once()
		sweeps++
	}
	used := cpu(b) - before
	requests := 0
	for _, n := range fake.Requests() {
		requests += n
	}
	b.ReportMetric(float64(requests)/float64(sweeps), "requests/sweep")
	b.ReportMetric(float64(used.Milliseconds())/float64(sweeps), "cpu-ms/sweep")
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// stockSweep is the same through kafka-go's Client, eight questions at a time.
func stockSweep(ctx context.Context, b *testing.B, client *kafkago.Client) int {
	var mu sync.Mutex
	known := 0
	work := make(chan int)
	var working sync.WaitGroup
	for range 8 {
		working.Go(func() {
			for i := range work {
				n := stockGroup(ctx, b, client, i)
				mu.Lock()
				known += n
				mu.Unlock()
			}
		})
	}
	for i := range sweepGroups {
		work <- i
	}
	close(work)
	working.Wait()
	return known
}

func stockGroup(ctx context.Context, b *testing.B, client *kafkago.Client, i int) int {
	topic := fmt.Sprintf("t%d", i)
	ids := make([]int, sweepPartitions)
	ends := make([]kafkago.OffsetRequest, sweepPartitions)
	for p := range ids {
		ids[p], ends[p] = p, kafkago.LastOffsetOf(p)
	}
	fetched, err := client.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: fmt.Sprintf("g%d", i), Topics: map[string][]int{topic: ids}})
	if err != nil {
		b.Error(err)
		return 0
	}
	listed, err := client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: ends}})
	if err != nil {
		b.Error(err)
		return 0
	}
	return len(fetched.Topics[topic]) + len(listed.Topics[topic])
}
