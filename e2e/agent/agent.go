// Package agent plays the kubelet: for every pod of a workload it runs a real
// consumer in a goroutine, marks the pod ready after a start-up delay, and stops
// the consumer gracefully when the pod goes.
package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Agent runs the pods of one label selector in one namespace.
type Agent struct {
	Kube      kubernetes.Interface
	Namespace string
	// Selector is a label selector, such as app=orders.
	Selector string
	// StartDelay is how long a pod takes from its creation until it is ready and works.
	StartDelay time.Duration
	// Work is what a pod does. It ends when its context does; a nil error before that makes the pod
	// Succeeded, as a Job's pod.
	Work func(ctx context.Context, pod string) error
	// Event, if not nil, is told of what happens: started, ready, stopped, or a failure.
	Event func(pod, what string)

	mu      sync.Mutex
	running map[types.UID]context.CancelFunc
	pods    sync.WaitGroup
}

// Run plays the kubelet until ctx ends, then stops every pod's work and waits for it.
func (a *Agent) Run(ctx context.Context) error {
	a.running = map[types.UID]context.CancelFunc{}
	factory := informers.NewSharedInformerFactoryWithOptions(a.Kube, 0, informers.WithNamespace(a.Namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = a.Selector }))
	informer := factory.Core().V1().Pods().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { a.started(ctx, o.(*corev1.Pod)) },
		UpdateFunc: func(_, o any) { a.changed(o.(*corev1.Pod)) },
		DeleteFunc: a.deleted,
	})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	a.pods.Wait()
	return nil
}

func (a *Agent) started(ctx context.Context, pod *corev1.Pod) {
	if pod.Status.Phase == corev1.PodSucceeded || pod.DeletionTimestamp != nil {
		return
	}
	podCtx, cancel := context.WithCancel(ctx)
	a.mu.Lock()
	a.running[pod.UID] = cancel
	a.mu.Unlock()
	a.pods.Go(func() {
		defer cancel()
		a.live(podCtx, pod)
	})
}

func (a *Agent) changed(pod *corev1.Pod) {
	if pod.DeletionTimestamp != nil {
		a.stop(pod)
	}
}

func (a *Agent) deleted(object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	if pod, ok := object.(*corev1.Pod); ok {
		a.stop(pod)
	}
}

func (a *Agent) stop(pod *corev1.Pod) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cancel := a.running[pod.UID]; cancel != nil {
		cancel()
		delete(a.running, pod.UID)
	}
}

// live is the life of one pod.
func (a *Agent) live(ctx context.Context, pod *corev1.Pod) {
	a.event(pod, "started")
	select {
	case <-ctx.Done():
		a.event(pod, "stopped")
		return
	case <-time.After(a.StartDelay):
	}
	if err := a.patch(ctx, pod, corev1.PodRunning, "True"); err != nil {
		a.event(pod, "mark ready: "+err.Error())
	} else {
		a.event(pod, "ready")
	}
	err := a.Work(ctx, pod.Name)
	switch {
	case ctx.Err() != nil:
		a.event(pod, "stopped")
	case err != nil:
		a.event(pod, "failed: "+err.Error())
	default:
		a.event(pod, "done")
		if err := a.patch(ctx, pod, corev1.PodSucceeded, "False"); err != nil {
			a.event(pod, "mark succeeded: "+err.Error())
		}
	}
}

func (a *Agent) patch(ctx context.Context, pod *corev1.Pod, phase corev1.PodPhase, ready string) error {
	patch := fmt.Appendf(nil, `{"status":{"phase":%q,"conditions":[{"type":"Ready","status":%q},{"type":"ContainersReady","status":%q}]}}`, phase, ready, ready)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := a.Kube.CoreV1().Pods(a.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (a *Agent) event(pod *corev1.Pod, what string) {
	if a.Event != nil {
		a.Event(pod.Name, what)
	}
}
