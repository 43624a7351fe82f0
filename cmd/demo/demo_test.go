package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output is a buffer that is read while it is written.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func buildScaler(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "kafka-scaler")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/kafka-scaler/kafka-scaler/cmd/scaler").CombinedOutput(); err != nil {
		t.Fatalf("build the scaler: %v\n%s", err, out)
	}
	return binary
}

// TestDemo plays the whole story, in a third of its time, with the real binary; then tries what the
// demo suggests for a deeper look, and ends it as Ctrl-C does.
func TestDemo(t *testing.T) {
	binary := buildScaler(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out output
	code := make(chan int, 1)
	go func() {
		code <- execute(ctx, []string{"--scaler", binary, "--duration", "20s", "--keep"}, &out, &out)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("output:\n%s", &out)
		}
	})
	if c, ended := await(code, &out, "/metrics", 3*time.Minute); ended {
		t.Fatalf("ended with %d before its end", c)
	}
	text := out.String()
	for _, want := range []string{
		"inactive: 0 <= activationLagThreshold 0", // zero
		"KEDA: replicas 0 -> 1: the trigger is active",
		"awake ",
		"> HPA: replicas ", // growth
		"partition_cap: 6 partitions feed at most 6 replicas",
		"> back to zero, ",
		"most replicas                   6, for 6 partitions",
		"Everything keeps running",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("escape sequences in piped output")
	}
	tryCommands(t, text)

	interrupt()
	select {
	case c := <-code:
		if c != exitOK {
			t.Errorf("exit code %d after Ctrl-C at the end, want 0", c)
		}
	case <-time.After(time.Minute):
		t.Fatal("the demo does not end")
	}
}

// await waits for a text in the output, or for the end.
func await(code <-chan int, out *output, text string, limit time.Duration) (exit int, ended bool) {
	deadline := time.After(limit)
	for !strings.Contains(out.String(), text) {
		select {
		case c := <-code:
			return c, true
		case <-deadline:
			return -1, true
		case <-time.After(50 * time.Millisecond):
		}
	}
	return 0, false
}

// tryCommands runs what was suggested, as it was suggested. grpcurl itself is not here: its call is made instead.
func tryCommands(t *testing.T, text string) {
	t.Helper()
	_, suggested, _ := strings.Cut(text, "To look deeper")
	for _, command := range []struct{ line, want string }{
		{`(?m)^  (\S+ lag .*)$`, "demo-workers"},
		{`(?m)^  (\S+ explain .*)$`, "partition_cap"},
	} {
		found := regexp.MustCompile(command.line).FindStringSubmatch(suggested)
		if found == nil {
			t.Errorf("nothing like %s is suggested", command.line)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		args := strings.Fields(found[1])
		answer, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
		cancel()
		if err != nil || !strings.Contains(string(answer), command.want) {
			t.Errorf("%s: %v\n%s", found[1], err, answer)
		}
	}
	if found := regexp.MustCompile(`curl -s (http://\S+)`).FindStringSubmatch(suggested); found == nil || !strings.Contains(get(t, found[1]), "\nkafka_scaler_") {
		t.Errorf("metrics: %v", found)
	}
	found := regexp.MustCompile(`grpcurl -plaintext -d '\{"name":"orders","namespace":"demo"\}' (\S+) kafkascaler.v1.KafkaScalerService/Explain`).FindStringSubmatch(suggested)
	if found == nil {
		t.Fatal("no grpcurl is suggested")
	}
	conn, err := grpc.NewClient(found[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	resp, err := kafkascalerv1.NewKafkaScalerServiceClient(conn).Explain(ctx, &kafkascalerv1.ExplainRequest{Name: objectName, Namespace: objectNamespace})
	if err != nil || len(resp.GetExplanations()) != 1 || len(resp.GetExplanations()[0].GetPartitions()) != 6 {
		t.Errorf("Explain by name: %v, %v", resp, err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Ctrl-C in the middle ends everything, with the exit code of an interrupted command.
func TestInterrupt(t *testing.T) {
	binary := buildScaler(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out output
	code := make(chan int, 1)
	go func() {
		code <- execute(ctx, []string{"--scaler", binary}, &out, &out)
	}()
	if c, ended := await(code, &out, "load: nothing is produced", 3*time.Minute); ended {
		t.Fatalf("ended with %d:\n%s", c, &out)
	}
	interrupt()
	select {
	case c := <-code:
		if c != exitInterrupted {
			t.Errorf("exit code %d, want %d:\n%s", c, exitInterrupted, &out)
		}
	case <-time.After(time.Minute):
		t.Fatal("the demo does not end")
	}
}

// What is there already is not touched, and a wrong command line says what is wrong.
func TestRefusals(t *testing.T) {
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"--partitions 1":                {exitUsage, "--partitions is 1: the demo's load fits 2 to 12"},
		"--duration 5s":                 {exitUsage, "--duration is 5s"},
		"--nonsense":                    {exitUsage, "unknown flag: --nonsense"},
		"--scaler no/such/binary":       {exitFailure, "make it with 'make build'"},
		"extra --scaler no/such/binary": {exitUsage, "unknown command"},
		"--scaler  --partitions=3":      {exitUsage, "--scaler is empty"},
		"--help":                        {exitOK, "--bootstrap-servers"},
	} {
		var out output
		fields := strings.Split(args, " ")
		if code := execute(t.Context(), fields, &out, &out); code != want.code || !strings.Contains(out.String(), want.text) {
			t.Errorf("%s: exit code %d, want %d\n%s", args, code, want.code, &out)
		}
	}
}

// A binary that ends before it serves fails the demo, with its last words.
func TestScalerThatEnds(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\necho no such flag >&2\nexit 2\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	var out output
	if code := execute(t.Context(), []string{"--scaler", binary}, &out, &out); code != exitFailure ||
		!strings.Contains(out.String(), "has ended (exit status 2)") || !strings.Contains(out.String(), "no such flag") {
		t.Errorf("exit code %d\n%s", code, &out)
	}
}

// On a cluster that somebody else uses too, a topic or group of the same name is left alone.
func TestTakesNothingOver(t *testing.T) {
	first := defaultOptions()
	if err := first.complete(); err != nil {
		t.Fatal(err)
	}
	k, err := openKafka(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.close() }()
	second := defaultOptions()
	second.bootstrap = k.servers
	if err := second.complete(); err != nil {
		t.Fatal(err)
	}
	if second.topic == first.topic || second.group == first.group {
		t.Errorf("topic %s and group %s are not unique", second.topic, second.group)
	}
	second.topic = first.topic
	if _, err := openKafka(t.Context(), second); err == nil || !strings.Contains(err.Error(), "topic orders is already there") {
		t.Errorf("got %v", err)
	}
	second.topic = "mine"
	mine, err := openKafka(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	if err := mine.close(); err != nil {
		t.Errorf("close: %v", err)
	}
	topics, err := k.admin.ListTopics(t.Context())
	if err != nil || !topics.Has("orders") || topics.Has("mine") {
		t.Errorf("topics at the end: %v, %v", topics.Names(), err)
	}
}
