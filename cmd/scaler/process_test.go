package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/internal/hostilebroker"
)

// child is a kafka-scaler serve in a process of its own, for what concerns signals.
type child struct {
	*serving
	cmd    *exec.Cmd
	exited chan error
}

func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	log := &logBuffer{}
	args = append([]string{"serve", "--grpc-listen-address", "127.0.0.1:0", "--http-listen-address", "127.0.0.1:0"}, args...)
	c := &child{cmd: exec.Command("kafka-scaler", args...), exited: make(chan error, 1)}
	c.cmd.Stderr = log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		c.exited <- c.cmd.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-done
		if t.Failed() {
			t.Logf("log:\n%s", log)
		}
	})
	c.serving = awaitServing(t, log)
	return c
}

func (c *child) signal(s os.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *child) awaitExit() error {
	c.t.Helper()
	select {
	case err := <-c.exited:
		return err
	case <-time.After(patience):
		c.t.Fatal("the process does not end")
		return nil
	}
}

// silentServer accepts connections and never says a word; asked is closed at the first one.
func silentServer(t *testing.T) (address string, asked chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		var conns []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			if conns = append(conns, c); len(conns) == 1 {
				close(asked)
			}
		}
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String(), asked
}

// TestDrain: on SIGTERM streams end without an error, so that KEDA reopens them
// at once, and the process exits with 0.
func TestDrain(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(s.String(), func(t *testing.T) {
			c := startChild(t)
			keda, _ := c.dial()
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			stream, err := keda.StreamMetricSpec(ctx, ref("127.0.0.1:1"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Recv(); err != nil {
				t.Fatal(err)
			}
			c.signal(s)
			if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
				t.Errorf("the stream ended with %v, want EOF", err)
			}
			if err := c.awaitExit(); err != nil {
				t.Errorf("exit: %v, want 0", err)
			}
			c.log.await(t, "kafka-scaler has stopped")
		})
	}
}

// TestSecondSignal: a drain that takes long is cut short by a second signal. What
// takes long here is a call in flight that waits for a silent broker.
func TestSecondSignal(t *testing.T) {
	broker, asked := silentServer(t)
	file := filepath.Join(t.TempDir(), "config.yaml")
	writeFile(t, file, "refresh: {firstReadTimeout: 30s, requestTimeout: 30s}\ninlineBootstrapServers: {allow: ['*']}\n")
	c := startChild(t, "--config", file)
	keda, _ := c.dial()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		_, err := keda.IsActive(ctx, ref(broker))
		answered <- err
	}()
	<-asked
	c.signal(syscall.SIGTERM)
	c.log.await(t, "a second signal ends the process at once")
	if code, body := c.get("/readyz"); code != 503 {
		t.Errorf("/readyz while draining: %d %s, want 503", code, body)
	}
	if code, body := c.get("/healthz"); code != 200 {
		t.Errorf("/healthz while draining: %d %s, want 200", code, body)
	}
	c.signal(syscall.SIGTERM)
	var exit *exec.ExitError
	if err := c.awaitExit(); !errors.As(err, &exit) {
		t.Errorf("exit: %v, want to be ended by the signal", err)
	} else if status, ok := exit.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("exit: %v, want to be ended by the signal", err)
	}
	if err := <-answered; err == nil {
		t.Error("the call in flight got an answer from nowhere")
	}
}

// TestSignalDuringHostileSCRAM: a broker that asks for two billion iterations, at every connection, does not take the
// processor from whoever wants the process to end.
func TestSignalDuringHostileSCRAM(t *testing.T) {
	broker, err := hostilebroker.Start(hostilebroker.Options{Kind: hostilebroker.ScramIterations, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	t.Setenv("SCRAM_PASSWORD", "pw")
	file := filepath.Join(t.TempDir(), "config.yaml")
	writeFile(t, file, "clusters:\n  - name: sick\n    bootstrapServers: ["+broker.Address()+"]\n"+
		"    sasl: {mechanism: scram_sha256, username: user, passwordEnv: SCRAM_PASSWORD}\n")
	c := startChild(t, "--config", file)
	keda, _ := c.dial()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sick := ref("")
	delete(sick.ScalerMetadata, "bootstrapServers")
	sick.ScalerMetadata["cluster"] = "sick"
	if _, err := keda.IsActive(ctx, sick); err == nil || !strings.Contains(err.Error(), "iterations") {
		t.Errorf("error %v, want what the broker asks for", err)
	}
	c.signal(syscall.SIGTERM)
	if err := c.awaitExit(); err != nil {
		t.Errorf("exit: %v, want 0", err)
	}
}

// TestHangup: SIGHUP reads the file again, and what it cannot change is said.
func TestHangup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	writeFile(t, file, "log: {level: info}\n")
	c := startChild(t, "--config", file)
	writeFile(t, file, "log: {level: debug, format: console}\n")
	c.signal(syscall.SIGHUP)
	c.log.await(t, "configuration reloaded")
	c.log.await(t, `needs a restart","key":"log.format"`)
	if strings.Contains(c.log.String(), `"key":"grpc"`) {
		t.Error("the address given by a flag counts as changed")
	}
	c.signal(syscall.SIGTERM)
	if err := c.awaitExit(); err != nil {
		t.Errorf("exit: %v, want 0", err)
	}
}

func ref(bootstrapServers string) *pb.ScaledObjectRef {
	return &pb.ScaledObjectRef{Name: "shop", Namespace: "default", ScalerMetadata: map[string]string{
		"bootstrapServers": bootstrapServers, "topic": "orders", "consumerGroup": "shop", "lagThreshold": "10",
	}}
}
