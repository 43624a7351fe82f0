package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// patience is how long a test waits for what must come. It is no measure of speed.
const patience = 30 * time.Second

// serving is a kafka-scaler serve under test, in this process or another.
type serving struct {
	t                    *testing.T
	log                  *logBuffer
	grpcAddress, httpURL string
}

// serveInProcess starts serve and stops it at the end of the test, which fails if it does not stop cleanly.
func serveInProcess(t *testing.T, args ...string) *serving {
	t.Helper()
	log := &logBuffer{}
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		args := append([]string{"serve", "--grpc-listen-address", "127.0.0.1:0", "--http-listen-address", "127.0.0.1:0"}, args...)
		code <- execute(ctx, args, cli.Process{Stdout: io.Discard, Stderr: log, LookupEnv: func(string) (string, bool) { return "", false }})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case c := <-code:
			if c != exitOK {
				t.Errorf("serve returned %d", c)
			}
		case <-time.After(patience):
			t.Error("serve does not stop")
		}
		if t.Failed() {
			t.Logf("log:\n%s", log)
		}
	})
	return awaitServing(t, log)
}

func awaitServing(t *testing.T, log *logBuffer) *serving {
	t.Helper()
	line := log.await(t, `"msg":"kafka-scaler is serving"`)
	var fields struct{ GRPCAddress, HTTPAddress string }
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatalf("log line %q: %v", line, err)
	}
	return &serving{t: t, log: log, grpcAddress: fields.GRPCAddress, httpURL: "http://" + fields.HTTPAddress}
}

// dial returns clients of KEDA's service and of ours.
func (s *serving) dial() (pb.ExternalScalerClient, kafkascalerv1.KafkaScalerServiceClient) {
	s.t.Helper()
	conn, err := grpc.NewClient(s.grpcAddress, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return pb.NewExternalScalerClient(conn), kafkascalerv1.NewKafkaScalerServiceClient(conn)
}

// get returns the status and body of a page.
func (s *serving) get(path string) (int, string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.httpURL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// eventually asks until ask says that all is well.
func eventually(t *testing.T, what string, ask func() (ok bool, seen any)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ok, seen := ask()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %s; last seen: %v", what, patience, seen)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// logBuffer keeps what is logged, for many writers and readers.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// await returns the first complete line that contains text.
func (b *logBuffer) await(t *testing.T, text string) (line string) {
	t.Helper()
	eventually(t, "log line with "+text, func() (bool, any) {
		for l := range strings.Lines(b.String()) {
			if strings.Contains(l, text) && strings.HasSuffix(l, "\n") {
				line = l
				return true, nil
			}
		}
		return false, b.String()
	})
	return line
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
