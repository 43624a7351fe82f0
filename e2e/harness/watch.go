package harness

import (
	"context"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// watch follows the workloads of a namespace and notes what happens to them.
type watch struct {
	scene  *Scene
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	history map[string]History
	ready   map[string]int
	deleted map[string][]Deletion
	hpas    map[string]*autoscalingv2.HorizontalPodAutoscaler
}

// Deletion is a pod that was deleted.
type Deletion struct {
	At  time.Time
	Pod string
}

func newWatch(s *Scene) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{
		scene: s, cancel: cancel, ended: make(chan struct{}),
		history: map[string]History{}, ready: map[string]int{}, deleted: map[string][]Deletion{}, hpas: map[string]*autoscalingv2.HorizontalPodAutoscaler{},
	}
	factory := informers.NewSharedInformerFactoryWithOptions(s.Stack.Kube, 0, informers.WithNamespace(s.Namespace))
	for informer, handle := range map[cache.SharedIndexInformer]func(object any, gone bool){
		factory.Apps().V1().Deployments().Informer():                     w.deployment,
		factory.Core().V1().Pods().Informer():                            w.pod,
		factory.Autoscaling().V2().HorizontalPodAutoscalers().Informer(): w.hpa,
	} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { handle(o, false) },
			UpdateFunc: func(_, o any) { handle(o, false) },
			DeleteFunc: func(o any) { handle(o, true) },
		})
		s.must(err)
	}
	factory.Start(ctx.Done())
	go func() {
		defer close(w.ended)
		<-ctx.Done()
		factory.Shutdown()
	}()
	factory.WaitForCacheSync(s.ctx.Done())
	return w
}

func (w *watch) stop() {
	w.cancel()
	<-w.ended
}

func (w *watch) deployment(object any, gone bool) {
	d, ok := object.(*appsv1.Deployment)
	if !ok || gone || d.Spec.Replicas == nil {
		return
	}
	replicas, ready := int(*d.Spec.Replicas), int(d.Status.ReadyReplicas)
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.history[d.Name]
	if len(h) == 0 || h[len(h)-1].Replicas != replicas {
		w.history[d.Name] = append(h, Change{time.Now(), replicas})
		w.scene.Recorder.Add(d.Name+" replicas", float64(replicas))
	}
	if was, seen := w.ready[d.Name]; !seen || was != ready {
		w.ready[d.Name] = ready
		w.scene.Recorder.Add(d.Name+" ready", float64(ready))
	}
}

func (w *watch) pod(object any, gone bool) {
	pod, ok := object.(*corev1.Pod)
	if !ok || !gone {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	app := pod.Labels["app"]
	w.deleted[app] = append(w.deleted[app], Deletion{time.Now(), pod.Name})
}

func (w *watch) hpa(object any, gone bool) {
	h, ok := object.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return
	}
	name := h.Spec.ScaleTargetRef.Name
	w.mu.Lock()
	defer w.mu.Unlock()
	if gone {
		delete(w.hpas, name)
		return
	}
	w.hpas[name] = h
	for _, m := range h.Status.CurrentMetrics {
		// In the first moment after zero, the HPA divides by no replicas, and what it tells is no number.
		if m.External == nil || m.External.Current.AverageValue == nil || m.External.Current.AverageValue.Sign() < 0 {
			continue
		}
		w.scene.Recorder.Add(name+" metric", m.External.Current.AverageValue.AsApproximateFloat64()*float64(h.Status.CurrentReplicas))
	}
}
