package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
)

// aged gives records timestamps as if they had come one after the other, until now.
type aged struct {
	next time.Time
	step time.Duration
}

func (a *aged) OnProduceRecordBuffered(r *kgo.Record) {
	r.Timestamp = a.next
	a.next = a.next.Add(a.step)
}

// A group's arrivals are read from the log by time, partition by partition, and no group and no topic changes.
func TestSimulateGroup(t *testing.T) {
	fake := fakekafka.Start(t, 1, kfake.SeedTopics(2, "orders"))
	const span = 30 * time.Minute
	for partition, step := range []time.Duration{time.Second, 3 * time.Second} {
		past := &aged{next: time.Now().Add(-span), step: step}
		fake.Produce(t, "orders", int32(partition), int(span/step), kgo.WithHooks(past))
	}
	fake.Commit(t, "shop", map[string]map[int32]int64{"orders": {0: 0, 1: 0}})
	var out, errs strings.Builder
	args := strings.Fields("simulate shop --since 20m --warmup 5m --service-rate 2 --policies static-most -o json --bootstrap-servers")
	code := execute(t.Context(), append(args, strings.Join(fake.ListenAddrs(), ",")),
		cli.Process{Stdout: &out, Stderr: &errs, LookupEnv: func(string) (string, bool) { return "", false }})
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	var got struct {
		Work   float64 `json:"workReplicaHours"`
		Length float64 `json:"lengthSeconds"`
	}
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	// One record and a third arrive each second, and two replicas take four.
	if mean := got.Work * 3600 / got.Length; got.Length != 1200 || math.Abs(mean-2.0/3) > 0.1 {
		t.Errorf("the work of %.0f s is %.3f replicas on average:\n%s", got.Length, mean, &out)
	}
	for name, count := range fake.Requests() {
		switch name {
		case "Produce", "InitProducerID", "OffsetCommit": // by this test
		case "Fetch", "JoinGroup", "CreateTopics", "DeleteTopics":
			t.Errorf("%d requests %s", count, name)
		}
	}
}
