package measure

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/proc"
	"github.com/kafka-scaler/kafka-scaler/internal/procfs"
	"google.golang.org/grpc"

	"github.com/kafka-scaler/kafka-scaler/bench/device"
	"github.com/kafka-scaler/kafka-scaler/bench/load"
	"github.com/kafka-scaler/kafka-scaler/bench/scene"
)

// Asked is a scaler that KEDA asks, and an echo server that is asked the same in turns with it.
type Asked struct {
	Cost Cost
	// Scaler and Echo are the answers.
	Scaler, Echo load.Result
	// EchoCPU is what the echo server used while it was asked, EchoWaited how long it had no core.
	EchoCPU, EchoWaited time.Duration
	// Streams is how many were open, Messages how many messages came over them.
	Streams, Messages int64
}

// How much the cluster lives meanwhile, a second: so many topics of groups that are behind get a record, and so many
// of groups that are idle, all of which commit it a second later.
const behind, idle = 45, 5

// Asked lets KEDA ask for so many windows, in turns with an echo server, which has the
// same limits, as many streams and the same calls. The two have a core of their own, or
// share all with the brokers and with the load.
func (t *Trial) Asked(ctx context.Context, windows int, share bool) (a Asked, err error) {
	a = Asked{Scaler: load.NewResult(), Echo: load.NewResult()}
	if t.lab.lived == nil {
		t.lab.lived = map[*scene.Cluster]bool{}
	}
	t.lab.lived[t.cluster] = true
	living, endLife := context.WithCancel(ctx)
	died := make(chan error, 1)
	go func() { died <- scene.Churn(living, t.cluster.Bootstrap, t.cluster.Size, behind, idle) }()
	defer func() {
		endLife()
		if ended := <-died; err == nil && ended != nil {
			err = fmt.Errorf("records and commits meanwhile: %w", ended)
		}
	}()

	streams := load.OpenStreams(ctx, t.conn, t.objects, time.Second)
	defer streams.Close()
	other, err := t.openEcho(ctx)
	if err != nil {
		return a, err
	}
	defer other.close()
	if !share {
		end, err := t.apart(t.scaler.PID(), other.process.PID())
		if err != nil {
			return a, err
		}
		defer end()
	}
	pause(ctx, settle)
	opened := streams.Messages.Load()
	for range windows {
		one, err := t.costOf(func() {
			t.profiled(func() { a.Scaler.Add(load.Run(ctx, t.conn, t.objects, t.lab.Pace, t.lab.Window)) })
		})
		if err != nil {
			return a, err
		}
		a.Cost.add(one)
		if err := other.run(ctx, t, &a); err != nil {
			return a, err
		}
	}
	a.Streams, a.Messages = streams.Open.Load(), streams.Messages.Load()-opened
	return a, ctx.Err()
}

// add takes in another window.
func (c *Cost) add(o Cost) {
	if c.Requests == nil {
		*c = o
		return
	}
	wall := float64(c.RefreshWall)*c.Refreshes + float64(o.RefreshWall)*o.Refreshes
	c.Span += o.Span
	c.CPU += o.CPU
	c.Waited += o.Waited
	c.Refreshes += o.Refreshes
	c.RefreshWall = time.Duration(wall / max(1, c.Refreshes))
	c.Stretched += o.Stretched
	for api, n := range o.Requests {
		c.Requests[api] += n
	}
	c.RSS, c.PeakRSS, c.Connections = max(c.RSS, o.RSS), o.PeakRSS, max(c.Connections, o.Connections)
	c.AgeP99, c.LoadAverage = max(c.AgeP99, o.AgeP99), o.LoadAverage
}

// echoServer is the other one.
type echoServer struct {
	process *proc.Process
	conn    *grpc.ClientConn
	streams *load.Streams
}

func (t *Trial) openEcho(ctx context.Context) (*echoServer, error) {
	e := &echoServer{}
	address, err := device.FreeAddress()
	if err != nil {
		return e, err
	}
	cmd := exec.Command(t.lab.Self, "echo", address)
	cmd.Env = t.lab.Limits.Env()
	if e.process, err = proc.Start("echo", filepath.Join(t.lab.Dir, "echo.log"), cmd); err != nil {
		return e, err
	}
	if e.conn, err = load.Dial(address); err != nil {
		e.close()
		return e, err
	}
	err = e.process.WaitReady(30*time.Second, func() error {
		if r := load.Run(ctx, e.conn, t.objects[:1], load.Pace{Poll: time.Second, HPA: time.Second}, 10*time.Millisecond); r.Failed() > 0 {
			return fmt.Errorf("echo: %s", r.Sample)
		}
		return nil
	})
	if err != nil {
		e.close()
		return e, err
	}
	e.streams = load.OpenStreams(ctx, e.conn, t.objects, time.Second)
	return e, nil
}

func (e *echoServer) run(ctx context.Context, t *Trial, a *Asked) error {
	before, err := procfs.Read(e.process.PID())
	if err != nil {
		return err
	}
	a.Echo.Add(load.Run(ctx, e.conn, t.objects, t.lab.Pace, t.lab.Window))
	after, err := procfs.Read(e.process.PID())
	a.EchoCPU += after.CPU - before.CPU
	a.EchoWaited += after.Waited - before.Waited
	return err
}

func (e *echoServer) close() {
	if e.streams != nil {
		e.streams.Close()
	}
	if e.conn != nil {
		_ = e.conn.Close()
	}
	if e.process != nil {
		e.process.Kill()
	}
}
