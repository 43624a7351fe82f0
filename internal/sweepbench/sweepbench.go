// Package sweepbench measures what it costs to read the commits and the log ends
// of many consumer groups: by this project's client, and by kafka-go's own Client,
// in one run. The benchmarks of pkg/kafka run it on fake brokers, those of
// test/acceptance on real ones.
package sweepbench

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// What is read: so many groups, each with commits on so many partitions of a topic of its own.
const (
	Groups     = 1000
	Partitions = 10
)

// Topic and Group name what belongs together.
func Topic(i int) string { return fmt.Sprintf("sweep-topic-%d", i) }

// Group is the group that has committed on every partition of Topic(i).
func Group(i int) string { return fmt.Sprintf("sweep-group-%d", i) }

// Run compares the two clients on a cluster that holds the topics and commits.
// requests, if not nil, returns how many requests the brokers have got since it was last called.
func Run(b *testing.B, bootstrap []string, requests func() int) {
	b.Helper()
	b.Run("kafka-scaler", func(b *testing.B) {
		client, err := kafka.New(kafka.Config{Name: "bench", BootstrapServers: bootstrap}, kafka.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		parts, groups := question()
		measure(b, requests, func(ctx context.Context) int { return sweep(ctx, client, parts, groups) })
	})
	b.Run("kafka-go", func(b *testing.B) {
		transport := &kafkago.Transport{}
		defer transport.CloseIdleConnections()
		client := &kafkago.Client{Addr: kafkago.TCP(bootstrap...), Transport: transport}
		measure(b, requests, func(ctx context.Context) int { return stockSweep(ctx, b, client) })
	})
}

func question() ([]lag.TopicPartitions, []lag.GroupTopics) {
	parts, groups := make([]lag.TopicPartitions, Groups), make([]lag.GroupTopics, Groups)
	for i := range Groups {
		parts[i].Topic = Topic(i)
		for p := range int32(Partitions) {
			parts[i].Partitions = append(parts[i].Partitions, p)
		}
		groups[i] = lag.GroupTopics{Group: Group(i), Topics: []lag.TopicPartitions{parts[i]}}
	}
	return parts, groups
}

// sweep returns how many offsets it has learned.
func sweep(ctx context.Context, client *kafka.Client, parts []lag.TopicPartitions, groups []lag.GroupTopics) int {
	known := 0
	client.Commits(ctx, groups, func(answers []lag.GroupCommits) {
		for _, a := range answers {
			for _, c := range a.Commits {
				if c.Err == nil {
					known++
				}
			}
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
}

// measure runs sweeps that must each learn all offsets, and reports requests and CPU.
func measure(b *testing.B, requests func() int, sweep func(context.Context) int) {
	b.Helper()
	once := func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if got, want := sweep(ctx), 2*Groups*Partitions; got != want {
			b.Fatalf("a sweep learned %d offsets, want %d", got, want)
		}
	}
	once() // routes, coordinators and connections
	runtime.GC()
	if requests != nil {
		requests()
	}
	before, sweeps := cpu(b), 0
	for b.Loop() {
		once()
		sweeps++
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(sweeps), "cpu-ms/sweep")
	if requests != nil {
		b.ReportMetric(float64(requests())/float64(sweeps), "requests/sweep")
	}
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
	b.Helper()
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
	for i := range Groups {
		work <- i
	}
	close(work)
	working.Wait()
	return known
}

func stockGroup(ctx context.Context, b *testing.B, client *kafkago.Client, i int) int {
	b.Helper()
	topic := Topic(i)
	ids := make([]int, Partitions)
	ends := make([]kafkago.OffsetRequest, Partitions)
	for p := range ids {
		ids[p], ends[p] = p, kafkago.LastOffsetOf(p)
	}
	fetched, err := client.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: Group(i), Topics: map[string][]int{topic: ids}})
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
