package kafkabroker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/proc"
)

// excerptLines is how much of a node's log an error shows.
const excerptLines = 40

// Node is one process of a cluster: a broker, the controller, or ZooKeeper. Its
// methods may be called from several goroutines.
type Node struct {
	// ID is the broker id, or the controller's node id.
	ID int32

	cluster *Cluster
	name    string
	dir     string
	log     string
	argv    []string
	ports   map[Listener]*proc.Port

	mu     sync.Mutex
	proc   *proc.Process
	paused bool
}

// newNode reserves what a node needs. Its configuration is written by configure,
// when the ports of all nodes are known.
func (c *Cluster) newNode(id int32, name string, listeners ...Listener) (*Node, error) {
	n := &Node{
		ID: id, cluster: c, name: name,
		dir: filepath.Join(c.scratch.dir, name), log: filepath.Join(c.scratch.dir, name+".log"),
		ports: map[Listener]*proc.Port{},
	}
	for _, l := range listeners {
		p, err := proc.ReservePort()
		if err != nil {
			return nil, errors.Join(err, n.release())
		}
		n.ports[l] = p
	}
	return n, os.MkdirAll(n.dir, 0o700)
}

// PID is the process id of the node, 0 where it does not run.
func (n *Node) PID() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil {
		return 0
	}
	return n.proc.PID()
}

func (n *Node) configure(heapMB int, class string, all map[string]string) error {
	n.argv = n.cluster.lib.command(heapMB, class, n.config())
	return os.WriteFile(n.config(), []byte(properties(all)), 0o600)
}

func (n *Node) config() string { return filepath.Join(n.dir, "node.properties") }

func (n *Node) release() error {
	var errs []error
	for _, p := range n.ports {
		errs = append(errs, p.Release())
	}
	return errors.Join(errs...)
}

// Address is where a listener of this node is, as host:port, or "" where it has no such listener.
func (n *Node) Address(l Listener) string {
	p, ok := n.ports[l]
	if !ok {
		return ""
	}
	return p.Address()
}

// Log is the file with what the node logged, over all its restarts.
func (n *Node) Log() string { return n.log }

// Running tells whether the process is there and not paused.
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc != nil && n.proc.Running() && !n.paused
}

// Stop shuts the node down in order (SIGTERM): a broker hands its leaderships over
// first. It returns when the process has ended, or with ctx's error.
func (n *Node) Stop(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stop(ctx)
}

func (n *Node) stop(ctx context.Context) error {
	if n.proc == nil {
		return nil
	}
	if err := n.proc.Terminate(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", n.name, err)
	}
	n.proc, n.paused = nil, false
	return nil
}

// Kill ends the node at once (SIGKILL), as a crash of its machine would, except
// that its connections are closed.
func (n *Node) Kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil {
		return nil
	}
	n.proc.Kill()
	n.proc, n.paused = nil, false
	return nil
}

// Pause freezes the node (SIGSTOP): its connections stay open, new ones are
// accepted by the kernel, and nothing is ever answered.
func (n *Node) Pause() error { return n.freeze((*proc.Process).Pause, true) }

// Resume lets a paused node go on (SIGCONT).
func (n *Node) Resume() error { return n.freeze((*proc.Process).Resume, false) }

func (n *Node) freeze(change func(*proc.Process) error, paused bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil {
		return fmt.Errorf("pause or resume %s: it is not running", n.name)
	}
	if err := change(n.proc); err != nil {
		return fmt.Errorf("pause or resume: %w", err)
	}
	n.paused = paused
	return nil
}

// Restart stops the node if it is there, starts it on the same ports with the
// same data, and returns when it serves.
func (n *Node) Restart(ctx context.Context) error {
	n.mu.Lock()
	err := n.stop(ctx)
	n.mu.Unlock()
	for err == nil {
		if err = n.start(); err != nil {
			break
		}
		if err = n.cluster.waitServing(ctx); err == nil {
			return nil
		}
		// ZooKeeper remembers a killed broker until its session times out, and so long the broker refuses to start.
		if strings.Contains(err.Error(), "NodeExists") && ctx.Err() == nil {
			err = pause(ctx, 200*time.Millisecond)
		}
	}
	return fmt.Errorf("restart %s: %w", n.name, err)
}

func (n *Node) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, err := proc.Start(n.name, n.log, exec.Command(n.argv[0], n.argv[1:]...))
	if err != nil {
		return err
	}
	n.proc = p
	return nil
}

// ended returns an error with the gist of the log if the process has ended by
// itself; nil if it runs, or if a test has stopped it.
func (n *Node) ended() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil || n.proc.Running() {
		return nil
	}
	return fmt.Errorf("%s has ended by itself (%w); its log says\n%s", n.name, n.proc.Err(), n.proc.Excerpt(excerptLines))
}

// excerpt returns the gist of the log.
func (n *Node) excerpt() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil {
		return "(it is not running)"
	}
	return n.proc.Excerpt(excerptLines)
}
