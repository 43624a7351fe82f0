package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-scaler/kafka-scaler/e2e/timeline"
)

// Scene is one scenario on the stage.
type Scene struct {
	*World
	T        testing.TB
	Recorder *timeline.Recorder
	// Kafka is the cluster of this scenario: the shared one unless there is [Scene.OwnKafka].
	Kafka     *kafkabroker.Cluster
	Namespace string

	ctx     context.Context
	out     string
	sizes   map[string]int64
	watch   *watch
	picture timeline.Picture
	result  Result
}

// Result is what a scenario leaves for the page with all of them.
type Result struct {
	Name, Title string
	// Asserted says in words what the test demands.
	Asserted []string
	// Figures are measured.
	Figures []string
	Passed  bool
	Seconds float64
}

// Scene begins a scenario. At its end the time line and picture are written to
// e2e/out/<name>/, and where it failed the logs of all processes with them, from
// the time on at which it began.
func (w *World) Scene(t *testing.T, name, title string, asserted ...string) *Scene {
	t.Helper()
	s := &Scene{
		World: w, T: t, Recorder: timeline.New(), Kafka: w.Kafka, Namespace: "e2e-" + name,
		ctx: t.Context(), out: filepath.Join(w.root, "e2e", "out", name),
		result: Result{Name: name, Title: title, Asserted: asserted},
	}
	s.picture.Title = title
	s.must(os.RemoveAll(s.out))
	s.must(os.MkdirAll(s.out, 0o755))
	logs, err := w.logs()
	s.must(err)
	s.sizes = map[string]int64{}
	for process, file := range logs {
		if info, err := os.Stat(file); err == nil {
			s.sizes[process] = info.Size()
		}
	}
	t.Cleanup(s.end)
	_, err = w.Stack.Kube.CoreV1().Namespaces().Create(s.ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}}, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		s.must(err)
	}
	s.watch = newWatch(s)
	return s
}

// OwnKafka gives the scenario a cluster of its own, which is closed at its end. It
// comes before the first workload.
func (s *Scene) OwnKafka(opts kafkabroker.Options) *kafkabroker.Cluster {
	s.T.Helper()
	cluster, err := s.startKafka(s.ctx, opts)
	s.must(err)
	s.Kafka = cluster
	s.T.Cleanup(func() {
		if s.T.Failed() {
			s.keepLogs()
		}
		if err := s.closeKafka(cluster); err != nil {
			s.T.Errorf("close the scenario's Kafka: %v", err)
		}
	})
	return cluster
}

// Panel adds a diagram to the picture, below those that are there.
func (s *Scene) Panel(label string, lines ...timeline.Line) {
	s.picture.Panels = append(s.picture.Panels, timeline.Panel{Label: label, Lines: lines})
}

// Figure notes a result for the page, and in the test's output.
func (s *Scene) Figure(format string, args ...any) {
	s.T.Helper()
	text := fmt.Sprintf(format, args...)
	s.T.Log(text)
	s.result.Figures = append(s.result.Figures, text)
}

// Eventually fails the test unless done returns true within a time; what says what was waited for.
func (s *Scene) Eventually(within time.Duration, what string, done func() bool) {
	s.T.Helper()
	for deadline := time.Now().Add(within); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Recorder.Event("gave up: " + what)
			s.T.Fatalf("not within %s: %s", within, what)
		}
	}
}

// Wait lets time pass, for what is to be seen happening or not happening meanwhile.
func (s *Scene) Wait(d time.Duration) {
	select {
	case <-s.ctx.Done():
	case <-time.After(d):
	}
}

func (s *Scene) must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// end writes everything down. It runs after the workloads are gone.
func (s *Scene) end() {
	if s.watch != nil {
		s.watch.stop()
	}
	s.result.Passed, s.result.Seconds = !s.T.Failed(), time.Since(s.Recorder.Began()).Seconds()
	s.write("timeline.csv", s.Recorder.WriteCSV)
	if len(s.picture.Panels) > 0 {
		s.write("timeline.svg", func(w io.Writer) error { return s.Recorder.WriteSVG(w, s.picture) })
	}
	s.write("result.json", func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(s.result)
	})
	if s.T.Failed() {
		s.T.Logf("the logs of every process are in %s", s.out)
		s.keepLogs()
	}
}

func (s *Scene) write(name string, write func(io.Writer) error) {
	f, err := os.Create(filepath.Join(s.out, name))
	if err == nil {
		err = write(f)
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		s.T.Errorf("write %s: %v", name, err)
	}
}

func (s *Scene) keepLogs() {
	logs, err := s.logs()
	if err == nil {
		err = copyLogs(logs, s.sizes, s.out)
	}
	if err != nil {
		s.T.Error(err)
	}
}
