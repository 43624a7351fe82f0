package explanation

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

var update = flag.Bool("update", false, "write the golden files")

func explained() *kafkascalerv1.Explanation {
	return &kafkascalerv1.Explanation{
		Namespace: "shop", Name: "orders", Cluster: "main", ConsumerGroup: "orders", MetricName: "kafka-orders",
		ObservedAt: timestamppb.New(time.Unix(1_700_000_000, 0)), SnapshotAge: durationpb.New(412 * time.Millisecond),
		Partitions: []*kafkascalerv1.Partition{
			{Topic: "orders", Partition: 0, CommittedOffset: 10, LogEndOffset: 39, Lag: 29, ActivationLag: 29, Reason: "lagging"},
			{Topic: "orders", Partition: 1, CommittedOffset: 5, LogStartOffset: 20, LogEndOffset: 30, Lag: 10, ActivationLag: 10, Lost: 15, Reason: "commit_below_start"},
			{Topic: "orders", Partition: 2, CommittedOffset: 5, LogStartOffset: -1, LogEndOffset: 9, ActivationLag: 4, Reason: "persistent"},
			{Topic: "orders", Partition: 3, CommittedOffset: -1, LogStartOffset: -1, LogEndOffset: -1, Reason: "unknown", Error: "not read yet"},
		},
		Decision: &kafkascalerv1.Decision{Value: 20, Target: 5, Active: true, Replicas: 4, MaxReplicas: 4, Limit: "partition_cap", Steps: []*kafkascalerv1.Step{
			{Rule: "total_lag", Before: 39, After: 39, Reason: "39 records"},
			{Rule: "partition_cap", Before: 39, After: 20, Reason: "4 partitions feed at most 4 replicas"},
			{Rule: "activation", Before: 43, After: 1, Reason: "active: 43 > activationLagThreshold 0"},
		}},
		Horizontal: []*kafkascalerv1.HorizontalOutcome{{CurrentReplicas: 1, DesiredReplicas: 4, Reason: "ceil(20 / 5) = 4"}},
	}
}

// inSeconds is a decision by age, about two groups.
func inSeconds() *kafkascalerv1.Explanation {
	e := explained()
	e.Partitions = []*kafkascalerv1.Partition{
		{Topic: "orders", Partition: 0, CommittedOffset: 10, LogEndOffset: 39, Lag: 29, ActivationLag: 29, Reason: "lagging", Age: durationpb.New(90 * time.Second)},
		{Topic: "orders", Partition: 1, CommittedOffset: 10, LogEndOffset: 39, Lag: 29, ActivationLag: 29, Reason: "lagging", AgeError: "the broker has no timestamp for it"},
		{Topic: "orders", Partition: 2, CommittedOffset: 38, LogEndOffset: 39, Reason: "phantom", Excluded: 1},
		{Topic: "orders", Partition: 3, CommittedOffset: 38, LogEndOffset: 39, Lag: 1, ActivationLag: 1, Reason: "lagging", InspectionError: "READ is missing"},
	}
	e.Decision = &kafkascalerv1.Decision{Value: 90, Target: 30, Unit: "seconds", Replicas: 3, Steps: []*kafkascalerv1.Step{
		{Rule: "oldest_record", Before: 90, After: 90, Reason: "the oldest unconsumed record is 1m30s old", ConsumerGroup: "payments"},
		{Rule: "consumer_groups", Before: 90, After: 90, Reason: "the largest of \"payments\" 90, \"audit\" 0"},
		{Rule: "activation", Before: 90, After: 0, Reason: "inactive: 90 <= activationLagSeconds 100"},
	}}
	return e
}

func TestPrint(t *testing.T) {
	failed := explained()
	failed.Decision, failed.Horizontal, failed.Error = nil, nil, "compute the lag of orders-3: not read yet"
	proven := explained()
	proven.KnownActivation = &kafkascalerv1.Step{Rule: "activation", Before: 39, After: 1, Reason: "active: 39 known > activationLagThreshold 0"}
	proven.PartitionsLeftOut = 7
	proven.Decision, proven.Horizontal, proven.Error = nil, nil, "compute the lag of orders-3: not read yet"
	inactive := explained()
	inactive.Decision.Active, inactive.Decision.Value, inactive.Decision.Replicas = false, 0, 0
	short := &kafkascalerv1.Explanation{Name: "worker", Namespace: "shop", MetricName: "kafka-orders", TotalLag: 39, PartitionsLeftOut: 7}
	short.Decision = explained().GetDecision()
	short.Decision.Steps = nil
	pastEnd := explained()
	pastEnd.Partitions = []*kafkascalerv1.Partition{{Topic: "orders", CommittedOffset: 90, LogEndOffset: 7, Lag: 1, ActivationLag: 1, Reason: "commit_past_end"}}

	object := func(w manifest.Scaled) Subject {
		w.Kind, w.AllTriggers = manifest.ScaledObject, max(1, w.AllTriggers)
		return Subject{Workload: &w, Trigger: manifest.Trigger{Type: "external"}}
	}
	job := func(w manifest.Scaled) Subject {
		s := object(w)
		s.Workload.Kind = manifest.ScaledJob
		return s
	}
	byValue := func(s Subject) Subject { s.Trigger.MetricType = "Value"; return s }
	held := object(manifest.Scaled{Holds: []string{"autoscaling.keda.sh/paused"}})
	held.Notes = []string{"A note of the command."}
	held.Trigger.Unset = []manifest.Variable{{Key: "topicFromEnv", Name: "TOPIC"}}

	for name, tc := range map[string]struct {
		explanation *kafkascalerv1.Explanation
		subject     Subject
	}{
		"scaledobject":           {explained(), object(manifest.Scaled{MaxReplicas: new(int64(3))})},
		"unknown-workload":       {explained(), Subject{}},
		"inactive-unknown":       {inactive, Subject{}},
		"inactive":               {inactive, object(manifest.Scaled{})},
		"inactive-minimum":       {inactive, object(manifest.Scaled{MinReplicas: new(int64(4))})},
		"inactive-idle":          {inactive, object(manifest.Scaled{MinReplicas: new(int64(4)), IdleReplicas: new(int64(0)), AllTriggers: 2})},
		"minimum":                {explained(), object(manifest.Scaled{MinReplicas: new(int64(6))})},
		"modifiers":              {explained(), object(manifest.Scaled{AllTriggers: 2, ScalingModifiers: true})},
		"inactive-modifiers":     {inactive, object(manifest.Scaled{AllTriggers: 2, ScalingModifiers: true})},
		"several":                {explained(), object(manifest.Scaled{AllTriggers: 3, Behavior: true})},
		"held":                   {explained(), held},
		"scaledjob":              {explained(), job(manifest.Scaled{})},
		"scaledjob-maximum":      {explained(), job(manifest.Scaled{MaxReplicas: new(int64(3))})},
		"scaledjob-minimum":      {explained(), job(manifest.Scaled{MinReplicas: new(int64(2)), MaxReplicas: new(int64(5))})},
		"scaledjob-several":      {explained(), job(manifest.Scaled{AllTriggers: 2, Strategy: "accurate", Calculation: "sum"})},
		"scaledjob-inactive":     {inactive, job(manifest.Scaled{})},
		"scaledjob-value":        {explained(), byValue(job(manifest.Scaled{}))},
		"in-short":               {short, Subject{}},
		"unknown":                {failed, Subject{}},
		"unknown-scaledjob":      {failed, job(manifest.Scaled{})},
		"unknown-fallback":       {failed, object(manifest.Scaled{Fallback: true, AllTriggers: 2})},
		"unknown-and-yet-active": {proven, object(manifest.Scaled{})},
		"past-end":               {pastEnd, object(manifest.Scaled{})},
		"seconds":                {inSeconds(), Subject{}},
		"value":                  {inSeconds(), byValue(object(manifest.Scaled{MaxReplicas: new(int64(10))}))},
	} {
		t.Run(name, func(t *testing.T) {
			e := proto.CloneOf(tc.explanation)
			Restate(e, tc.subject)
			var out strings.Builder
			if err := Print(&out, e, tc.subject); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", out.String())
		})
	}
}

// TestPrintHostileText: names come from whoever may write a ScaledObject, errors from brokers.
func TestPrintHostileText(t *testing.T) {
	const hostile = "a\x1b[2J\r\nb\tc\u202e"
	e := explained()
	e.Cluster, e.ConsumerGroup, e.MetricName, e.Name = hostile, hostile, hostile, hostile
	e.ConsumerGroups = []*kafkascalerv1.ConsumerGroup{{Name: hostile, State: hostile, Note: hostile}, {Name: "b"}}
	for _, p := range e.Partitions {
		p.Topic, p.ConsumerGroup = hostile, hostile
	}
	e.Partitions[0].Error, e.Decision.Steps[0].Reason, e.Decision.Steps[0].ConsumerGroup = hostile, hostile, hostile
	failed := proto.CloneOf(e)
	failed.Error = hostile
	for _, e := range []*kafkascalerv1.Explanation{e, failed} {
		var out strings.Builder
		if err := Print(&out, e, Subject{Notes: []string{hostile}}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSuffix(line, "\n"); fault.Printable(line) != line || strings.HasPrefix(line, "b") {
				t.Errorf("line %q", line)
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestJSON shows that numbers are numbers: protobuf's own JSON has int64 as text.
func TestJSON(t *testing.T) {
	text, err := json.Marshal(JSON(explained(), Subject{Notes: []string{"a note"}}))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		MetricName  string
		SnapshotAge float64
		ObservedAt  time.Time
		Error       *string
		Decision    struct {
			Value float64
			Steps []struct{ Rule string }
		}
		Partitions []struct{ CommittedOffset float64 }
		Notes      []string
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	switch {
	case got.MetricName != "kafka-orders", got.SnapshotAge != 0.412, got.ObservedAt.Unix() != 1_700_000_000,
		got.Error == nil, len(got.Notes) != 2, got.Notes[0] != "a note", got.Decision.Value != 20, got.Decision.Steps[1].Rule != "partition_cap", got.Partitions[3].CommittedOffset != -1:
		t.Errorf("got %+v from %s", got, text)
	}
}
