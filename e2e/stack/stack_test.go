package stack

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestStart proves that the control plane and KEDA come up, and reports how long that takes.
func TestStart(t *testing.T) {
	if _, err := Binaries(t.Context(), "../tools"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s, err := Start(t.Context(), Options{Tools: "../tools", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	t.Logf("stack up in %s", time.Since(began).Round(time.Millisecond))
	hpas, err := s.Kube.AutoscalingV2().HorizontalPodAutoscalers("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(hpas.Items) != 0 {
		t.Errorf("list HPAs: %d, %v; want none", len(hpas.Items), err)
	}
}
