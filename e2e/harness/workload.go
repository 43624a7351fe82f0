package harness

import (
	"cmp"
	"context"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kafka-scaler/kafka-scaler/e2e/agent"
	"github.com/kafka-scaler/kafka-scaler/e2e/product"
)

// Spec describes a workload: a Deployment whose pods the agent runs, and the
// ScaledObject that scales it.
type Spec struct {
	Name string
	// Topics are what the group reads and is scaled by; see [Scene.Group] for its name.
	Topics []string
	// Example is the manifest of deploy/ that Change is put over; "" is scaledobject.yaml.
	Example string
	// Change is put over the example. Name, namespace, brokers, group and topic are filled in.
	Change product.Change
	// StartDelay is how long a pod takes until it works.
	StartDelay time.Duration
	// Work is what a pod does; nil for a pod that only exists, where the test itself commits offsets.
	Work func(ctx context.Context, pod string) error
}

// Group is the name of a workload's consumer group: of this scenario alone.
func (s *Scene) Group(workload string) string { return s.Namespace + "-" + workload }

// Trigger types that are not the shipped example's.
const (
	// Push is KEDA's external-push trigger: the scaler wakes KEDA by a stream.
	Push = "external-push"
	// Own is KEDA's own Kafka trigger, the rival.
	Own = "kafka"
)

// Workload is a deployed workload.
type Workload struct {
	Spec
	// Manifest is the ScaledObject as it was applied.
	Manifest []byte

	scene  *Scene
	cancel context.CancelFunc
	work   sync.WaitGroup
}

var (
	scaledObjects = schema.GroupVersionResource{Group: "keda.sh", Version: "v1alpha1", Resource: "scaledobjects"}
	scaledJobs    = schema.GroupVersionResource{Group: "keda.sh", Version: "v1alpha1", Resource: "scaledjobs"}
)

// Deploy creates a workload at no replicas and returns when its HPA exists. It is gone when the test ends.
func (s *Scene) Deploy(spec Spec) *Workload {
	s.T.Helper()
	w := s.workload(spec)
	labels := map[string]string{"app": spec.Name}
	_, err := s.Stack.Kube.AppsV1().Deployments(s.Namespace).Create(s.ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: spec.Name},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "consumer", Image: "none.invalid/none"}}},
			},
		},
	}, metav1.CreateOptions{})
	s.must(err)
	w.Manifest, err = product.ScaledObject(s.manifest(cmp.Or(w.Example, "scaledobject.yaml")), w.Change)
	s.must(err)
	s.must(s.Stack.Kube.Apply(s.ctx, w.Manifest))
	s.Eventually(30*time.Second, "KEDA makes an HPA for "+spec.Name, func() bool {
		s.watch.mu.Lock()
		defer s.watch.mu.Unlock()
		return s.watch.hpas[spec.Name] != nil && len(s.watch.history[spec.Name]) > 0
	})
	return w
}

// DeployJob creates a ScaledJob with its agent. It is gone when the test ends.
func (s *Scene) DeployJob(spec Spec) *Workload {
	s.T.Helper()
	w := s.workload(spec)
	var err error
	w.Manifest, err = product.ScaledJob(s.manifest("scaledobject.yaml"), w.Change)
	s.must(err)
	s.must(s.Stack.Kube.Apply(s.ctx, w.Manifest))
	return w
}

// workload fills in the spec and starts what plays the kubelet and what watches the lag.
func (s *Scene) workload(spec Spec) *Workload {
	metadata := map[string]string{
		"scalerAddress": s.Scaler.Address, "bootstrapServers": strings.Join(s.Kafka.Bootstrap(), ","),
		"consumerGroup": s.Group(spec.Name), "topic": strings.Join(spec.Topics, ","),
	}
	if spec.Change.Type == Own {
		metadata["scalerAddress"] = ""
	}
	maps.Copy(metadata, spec.Change.Metadata)
	spec.Change.Metadata = metadata
	spec.Change.Name, spec.Change.Namespace = spec.Name, s.Namespace
	if spec.Work == nil {
		spec.Work = func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return nil
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &Workload{Spec: spec, scene: s, cancel: cancel}
	kubelet := agent.Agent{
		Kube: s.Stack.Kube, Namespace: s.Namespace, Selector: "app=" + spec.Name, StartDelay: spec.StartDelay, Work: spec.Work,
		Event: w.podEvent,
	}
	w.work.Go(func() {
		if err := kubelet.Run(ctx); err != nil {
			s.T.Errorf("play the kubelet for %s: %v", spec.Name, err)
		}
	})
	w.watchLag(ctx)
	s.T.Cleanup(w.remove)
	return w
}

func (w *Workload) podEvent(pod, what string) {
	if strings.HasPrefix(what, "failed") || strings.HasPrefix(what, "mark") {
		w.scene.Recorder.Event(pod + " " + what)
		w.scene.T.Logf("pod %s: %s", pod, what)
	}
}

// History returns every change of spec.replicas so far.
func (w *Workload) History() History {
	w.scene.watch.mu.Lock()
	defer w.scene.watch.mu.Unlock()
	return append(History(nil), w.scene.watch.history[w.Name]...)
}

// Replicas is spec.replicas now.
func (w *Workload) Replicas() int { return w.History().At(time.Now()) }

// HPA is the workload's HPA as it was last seen; it is there from Deploy on.
func (w *Workload) HPA() *autoscalingv2.HorizontalPodAutoscaler {
	w.scene.watch.mu.Lock()
	defer w.scene.watch.mu.Unlock()
	return w.scene.watch.hpas[w.Name]
}

// Ready is how many pods are ready now.
func (w *Workload) Ready() int {
	w.scene.watch.mu.Lock()
	defer w.scene.watch.mu.Unlock()
	return w.scene.watch.ready[w.Name]
}

// Deleted returns the pods that were deleted since a time.
func (w *Workload) Deleted(since time.Time) []Deletion {
	w.scene.watch.mu.Lock()
	defer w.scene.watch.mu.Unlock()
	var after []Deletion
	for _, d := range w.scene.watch.deleted[w.Name] {
		if d.At.After(since) {
			after = append(after, d)
		}
	}
	return after
}

// WaitReplicas fails the test unless spec.replicas is n within a time.
func (w *Workload) WaitReplicas(n int, within time.Duration) {
	w.scene.T.Helper()
	w.scene.Eventually(within, w.Name+" has "+strconv.Itoa(n)+" replicas", func() bool { return w.Replicas() == n })
}

// WaitReady fails the test unless n pods are ready within a time.
func (w *Workload) WaitReady(n int, within time.Duration) {
	w.scene.T.Helper()
	w.scene.Eventually(within, w.Name+" has "+strconv.Itoa(n)+" ready pods", func() bool { return w.Ready() == n })
}

// remove deletes the workload and waits until its pods and its HPA are gone.
func (w *Workload) remove() {
	s := w.scene
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	background := metav1.DeletePropagationBackground
	opts := metav1.DeleteOptions{PropagationPolicy: &background}
	for _, resource := range []schema.GroupVersionResource{scaledObjects, scaledJobs} {
		err := s.Stack.Kube.Dynamic.Resource(resource).Namespace(s.Namespace).Delete(ctx, w.Name, opts)
		if err != nil && !apierrors.IsNotFound(err) {
			s.T.Errorf("delete %s %s: %v", resource.Resource, w.Name, err)
		}
	}
	// The Deployment goes after KEDA has let go of it, else KEDA's finaliser logs errors.
	if err := s.waitGone(ctx, w.Name); err != nil {
		s.T.Errorf("wait until KEDA has let go of %s: %v", w.Name, err)
	}
	err := s.Stack.Kube.AppsV1().Deployments(s.Namespace).Delete(ctx, w.Name, opts)
	if err != nil && !apierrors.IsNotFound(err) {
		s.T.Errorf("delete deployment %s: %v", w.Name, err)
	}
	err = s.Stack.Kube.CoreV1().Pods(s.Namespace).DeleteCollection(ctx, opts, metav1.ListOptions{LabelSelector: "app=" + w.Name})
	if err != nil {
		s.T.Errorf("delete the pods of %s: %v", w.Name, err)
	}
	w.cancel()
	w.work.Wait()
}

func (s *Scene) waitGone(ctx context.Context, name string) error {
	for {
		gone := true
		for _, resource := range []schema.GroupVersionResource{scaledObjects, scaledJobs} {
			_, err := s.Stack.Kube.Dynamic.Resource(resource).Namespace(s.Namespace).Get(ctx, name, metav1.GetOptions{})
			gone = gone && apierrors.IsNotFound(err)
		}
		if gone {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
