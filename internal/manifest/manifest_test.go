package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const orders = `# two documents, one of them ours
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: orders
spec:
  maxReplicaCount: 12
  triggers:
    - type: cron
      metadata: {timezone: UTC, start: 0 6 * * *, end: 0 20 * * *, desiredReplicas: "3"}
    - type: external
      metadata:
        scalerAddress: kafka-scaler:6000
        topicFromEnv: TOPIC
        consumerGroupFromEnv: UNSET
`

func TestRead(t *testing.T) {
	env := map[string]string{"TOPIC": "orders"}
	got, err := Read(strings.NewReader(orders), "orders.yaml", func(k string) (string, bool) { v, ok := env[k]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	want := []Scaled{{
		Kind: "ScaledObject", Name: "orders", Namespace: "default", MaxReplicas: new(int64(12)), AllTriggers: 2,
		Triggers: []Trigger{{Index: 1, Type: "external", Metadata: map[string]string{
			"scalerAddress": "kafka-scaler:6000", "topicFromEnv": "orders",
		}, Unset: []Variable{{Key: "consumerGroupFromEnv", Name: "UNSET"}}}},
	}}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}

func noVariables(string) (string, bool) { return "", false }

func TestReadRejects(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"empty":         {"", "no ScaledObject or ScaledJob"},
		"other trigger": {"kind: ScaledObject\nspec: {triggers: [{type: cron}]}", "no ScaledObject or ScaledJob"},
		"wrong case":    {"kind: ScaledObject\nspec: {triggers: [{type: Kafka}, {type: cron}]}", `found type "Kafka", "cron"; correct the type`},
		"bad yaml":      {"kind: [", "document 1"},
		"number":        {"kind: ScaledObject\nspec: {triggers: [{type: external, metadata: {lagThreshold: 5}}]}", "quote the value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(strings.NewReader(tc.in), "f.yaml", noVariables)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "f.yaml") {
				t.Errorf("got error %v, want one about f.yaml with %q", err, tc.want)
			}
		})
	}
}

// The scaler is not told of metricType, and its number of replicas would be multiplied by the replicas.
func TestReplicasByValue(t *testing.T) {
	for name, tc := range map[string]struct {
		metricType string
		metadata   map[string]string
		ok         bool
	}{
		"scale":         {"Value", map[string]string{"targetLatency": "30s"}, false},
		"average":       {"AverageValue", map[string]string{"targetLatency": "30s"}, true},
		"default":       {"", map[string]string{"targetLatency": "30s"}, true},
		"advise":        {"Value", map[string]string{"targetLatency": "30s", "latencyMode": "advise"}, true},
		"lag by value":  {"Value", map[string]string{"lagThreshold": "30"}, true},
		"blank latency": {"Value", map[string]string{"targetLatency": " "}, true},
	} {
		tc.metadata["scalerAddress"] = "kafka-scaler:6000"
		err := Trigger{Type: "external", MetricType: tc.metricType, Metadata: tc.metadata}.Problem()
		if tc.ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "metricType Value: cannot go together with targetLatency") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProblem(t *testing.T) {
	for name, tc := range map[string]struct {
		trigger Trigger
		ok      bool
	}{
		"external":                 {Trigger{Type: "external", Metadata: map[string]string{"scalerAddress": "kafka-scaler:6000"}}, true},
		"external without address": {Trigger{Type: "external"}, false},
		"push without address":     {Trigger{Type: "external-push"}, false},
		"address from environment": {Trigger{Type: "external", Metadata: map[string]string{"scalerAddressFromEnv": "a:1"}}, false},
		"KEDA's own":               {Trigger{Type: "kafka"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.trigger.Problem()
			if tc.ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "scalerAddress") {
				t.Errorf("got %v", err)
			}
		})
	}
}
