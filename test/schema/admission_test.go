package schema

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// The namespace enforces a pod security standard: a pod that breaks it would never
// be made, and `kubectl apply` would not say so.
func TestPodMeetsItsNamespacesStandard(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(repository, "deploy/scaler.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if detail := forbidden(t, data); detail != "" {
		t.Errorf("the pod is forbidden: %s", detail)
	}
	root := bytes.Replace(data, []byte("runAsNonRoot: true"), []byte("runAsNonRoot: false"), 1)
	if detail := forbidden(t, root); !strings.Contains(detail, "runAsNonRoot") {
		t.Errorf("a pod that may run as root is forbidden for %q: this test cannot fail", detail)
	}
}

// forbidden says why pod security admission refuses the Deployment's pods in the namespace; empty if it does not.
func forbidden(t *testing.T, manifest []byte) string {
	t.Helper()
	var namespace corev1.Namespace
	var deployment appsv1.Deployment
	for _, doc := range documents(manifest) {
		for prefix, into := range map[string]any{"kind: Namespace\n": &namespace, "kind: Deployment\n": &deployment} {
			if !bytes.Contains(doc, []byte("\n"+prefix)) {
				continue
			}
			if err := yaml.UnmarshalStrict(doc, into); err != nil {
				t.Fatal(err)
			}
		}
	}
	level := api.Level(namespace.Labels[api.EnforceLevelLabel])
	if level != api.LevelRestricted {
		t.Fatalf("the namespace enforces %q, want %q", level, api.LevelRestricted)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	template := deployment.Spec.Template
	results := evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: api.LatestVersion()}, &template.ObjectMeta, &template.Spec)
	all := policy.AggregateCheckResults(results)
	return all.ForbiddenDetail()
}
