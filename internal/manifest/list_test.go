package manifest

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names are the objects that Read returns.
func names(scaled []Scaled) []string {
	all := []string{}
	for i := range scaled {
		all = append(all, scaled[i].String())
	}
	return all
}

func object(name string) string {
	return fmt.Sprintf("{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: %s}, spec: {triggers: [{type: kafka, metadata: {topic: t}}]}}", name)
}

// TestReadList: what kubectl get -o yaml prints is one List.
func TestReadList(t *testing.T) {
	list := func(kind string, items ...string) string {
		return fmt.Sprintf("{apiVersion: v1, kind: %s, items: [%s]}", kind, strings.Join(items, ", "))
	}
	nested := list("List", object("deep"))
	for range MaxListDepth {
		nested = list("List", nested)
	}
	const service = "{apiVersion: v1, kind: Service, metadata: {name: 5}, spec: [1, 2], items: 7}"
	const broken = "{kind: ScaledObject, metadata: {name: broken}, spec: {minReplicaCount: many, triggers: [{type: kafka, metadata: {topic: t}}]}}"
	const number = "{kind: ScaledJob, metadata: {name: n, namespace: shop}, spec: {triggers: [{type: kafka, metadata: {topic: t}}, {type: kafka, metadata: {lagThreshold: 5}}]}}"
	for name, tc := range map[string]struct {
		in   string
		want []string
		err  string
	}{
		"List":               {list("List", object("a"), service, object("b")), []string{"ScaledObject default/a", "ScaledObject default/b"}, ""},
		"of one kind":        {list("ScaledObjectList", object("a")), []string{"ScaledObject default/a"}, ""},
		"next to a document": {object("a") + "\n--- # next\n" + list("List", object("b")), []string{"ScaledObject default/a", "ScaledObject default/b"}, ""},
		"behind the marker":  {"--- " + object("a"), []string{"ScaledObject default/a"}, ""},
		"in a List":          {list("List", list("List", object("a")), object("b")), []string{"ScaledObject default/a", "ScaledObject default/b"}, ""},
		"too deep":           {list("List", nested, object("a")), []string{"ScaledObject default/a"}, "f.yaml, document 1, item 1, item 1, item 1, item 1: a List within 3 Lists; write the items of one List"},
		"one is broken":      {list("List", broken, object("a")), []string{"ScaledObject default/a"}, "f.yaml, document 1, item 1: yaml: unmarshal errors: line 1: cannot unmarshal !!str `many` into int64; mend the YAML"},
		"one has a number":   {list("List", number, object("a")), []string{"ScaledObject default/a"}, "f.yaml, document 1, item 1, ScaledJob shop/n: trigger 1: metadata lagThreshold: not a string (got 5); quote the value"},
		"no YAML":            {"kind: [\n---\n" + object("a"), []string{"ScaledObject default/a"}, "f.yaml, document 1: yaml: "},
		"empty List":         {list("List"), []string{}, "no ScaledObject or ScaledJob"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(strings.NewReader(tc.in), "f.yaml", noVariables)
			if diff := cmp.Diff(tc.want, names(got)); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got error %v, want one with %q", err, tc.err)
			}
		})
	}
}

// TestReadBounds: a file that is larger than any that is meant, or that unfolds into one, is refused.
func TestReadBounds(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for last := 'a'; last < 'k'; last++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", last+1, last+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", last), 9), ", "))
	}
	bomb += "kind: ScaledObject\nspec: {triggers: [{type: kafka, metadata: {topic: *k}}]}\n"
	for name, tc := range map[string]struct {
		in   io.Reader
		want string
	}{
		"size":    {io.LimitReader(endless{}, MaxSize+1), "f.yaml: larger than 32 MiB; name a file with"},
		"objects": {strings.NewReader(strings.Repeat("---\n", MaxObjects+1)), "more than 20000 documents and items of Lists"},
		"items":   {strings.NewReader("kind: List\nitems: [" + strings.Repeat("{kind: A},", MaxObjects+1) + "]"), "more than 20000 documents and items of Lists"},
		"aliases": {strings.NewReader(bomb), "excessive aliasing"},
		"depth":   {bytes.NewReader(bytes.Repeat([]byte("["), 1<<20)), "exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(tc.in, "f.yaml", noVariables)
			if err == nil || !strings.Contains(err.Error(), tc.want) || len(got) > 0 {
				t.Errorf("got %d objects and error %v, want one with %q", len(got), err, tc.want)
			}
		})
	}
}

// endless is a file without an end, of one comment.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
	}
	return len(p), nil
}

// TestScaled reads what decides about replicas apart from the triggers.
func TestScaled(t *testing.T) {
	const in = `
kind: ScaledObject
metadata:
  name: orders
  annotations: {autoscaling.keda.sh/paused: "false", autoscaling.keda.sh/paused-replicas: "3", autoscaling.keda.sh/paused-scale-in: "", other: "true"}
spec:
  minReplicaCount: 4
  idleReplicaCount: 0
  fallback: {failureThreshold: 3, replicas: 6}
  advanced:
    scalingModifiers: {formula: a + b, target: "5"}
    horizontalPodAutoscalerConfig: {behavior: {scaleUp: {tolerance: "0"}}}
  triggers: [{type: cron, metadata: {}}, {type: kafka, name: a, metadata: {topic: t}}]
---
kind: ScaledJob
metadata: {name: batch, namespace: shop, annotations: {autoscaling.keda.sh/paused: "true", autoscaling.keda.sh/paused-replicas: "3"}}
spec:
  minReplicaCount: 2
  maxReplicaCount: 10
  scalingStrategy: {strategy: accurate, multipleScalersCalculation: sum}
  triggers: [{type: kafka, metadata: {topic: t}}]
`
	got, err := Read(strings.NewReader(in), "f.yaml", noVariables)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].Triggers = nil
	}
	want := []Scaled{
		{
			Kind: ScaledObject, Name: "orders", Namespace: "default", MinReplicas: new(int64(4)), IdleReplicas: new(int64(0)),
			AllTriggers: 2, ScalingModifiers: true, Behavior: true, Fallback: true,
			Holds: []string{"autoscaling.keda.sh/paused-replicas", "autoscaling.keda.sh/paused-scale-in"},
		},
		{
			Kind: ScaledJob, Name: "batch", Namespace: "shop", MinReplicas: new(int64(2)), MaxReplicas: new(int64(10)),
			AllTriggers: 1, Strategy: "accurate", Calculation: "sum", Holds: []string{"autoscaling.keda.sh/paused"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestReplicaBounds: the bounds are those that KEDA computes with.
func TestReplicaBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		kind                    string
		least, most             *int64
		wantMin, wantMax, wantJ int64
	}{
		"nothing given":         {ScaledJob, nil, nil, 0, 100, 100},
		"maximum":               {ScaledJob, nil, new(int64(10)), 0, 10, 10},
		"both":                  {ScaledJob, new(int64(4)), new(int64(10)), 4, 10, 6},
		"minimum only":          {ScaledJob, new(int64(4)), nil, 4, 100, 100},
		"minimum above maximum": {ScaledJob, new(int64(12)), new(int64(10)), 10, 10, 10},
		"ScaledObject":          {ScaledObject, new(int64(4)), new(int64(10)), 4, 10, 6},
	} {
		s := Scaled{Kind: tc.kind, MinReplicas: tc.least, MaxReplicas: tc.most}
		if s.Min() != tc.wantMin || s.Max() != tc.wantMax || s.MaxJobs() != tc.wantJ {
			t.Errorf("%s: got %d to %d, %d jobs; want %d to %d, %d", name, s.Min(), s.Max(), s.MaxJobs(), tc.wantMin, tc.wantMax, tc.wantJ)
		}
	}
}
