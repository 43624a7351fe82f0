package kafkabroker

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

const (
	// controllerID is the node id of a controller that is no broker.
	controllerID = 100
	// offsetsPartitions is how many partitions __consumer_offsets has.
	offsetsPartitions = 10

	brokerHeapMB, controllerHeapMB, zooKeeperHeapMB, toolHeapMB = 256, 128, 96, 128
)

// errPortTaken says that somebody else listens on a port that was reserved.
var errPortTaken = errors.New("a reserved port was taken by another program")

// Cluster is a running Kafka.
type Cluster struct {
	opts         Options
	lib          *library
	scratch      *scratch
	id           string
	certificates *Certificates
	controller   *Node // the controller, which may be the only broker too; nil with ZooKeeper
	zooKeeper    *Node

	mu      sync.Mutex
	brokers []*Node
}

// Start starts a cluster and returns when every broker serves and knows all
// others, and when groups have their coordinators. The first call for a version
// gets its jars; give it a few minutes. On failure nothing is left, and the error
// ends with the log of the node to blame.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	lib, err := openLibrary(ctx, opts.Version)
	if err != nil {
		return nil, err
	}
	if !opts.zooKeeper() {
		if err := lib.train(ctx, opts.Version); err != nil {
			return nil, err
		}
	}
	for attempt := 1; ; attempt++ {
		c, err := start(ctx, lib, opts)
		if err == nil {
			return c, nil
		}
		if attempt == 3 || !errors.Is(err, errPortTaken) {
			return nil, fmt.Errorf("start Kafka %s: %w", opts.Version, err)
		}
	}
}

func start(ctx context.Context, lib *library, opts Options) (*Cluster, error) {
	scratch, err := newScratch(opts.Dir)
	if err != nil {
		return nil, err
	}
	own := *lib
	c := &Cluster{opts: opts, lib: &own, scratch: scratch}
	if err := c.launch(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) launch(ctx context.Context) error {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	c.id = clusterID(id)
	if err := c.prepare(); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, n := range c.nodes() {
		group.Go(func() error { return c.begin(groupCtx, n) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := c.waitServing(ctx); err != nil {
		return err
	}
	if c.opts.Cold {
		return nil
	}
	return c.warmUp(ctx)
}

// prepare makes all nodes and writes all files.
func (c *Cluster) prepare() error {
	if !c.opts.zooKeeper() {
		c.lib.logging = filepath.Join(c.scratch.dir, "log4j2.properties")
		if err := os.WriteFile(c.lib.logging, []byte(logging), 0o600); err != nil {
			return err
		}
	}
	var err error
	if c.opts.Security != nil {
		if c.certificates, err = writeCertificates(c.scratch.dir); err != nil {
			return err
		}
	}
	switch {
	case c.opts.zooKeeper():
		c.zooKeeper, err = c.newNode(0, "zookeeper", Plaintext)
	case !c.opts.combined():
		c.controller, err = c.newNode(controllerID, "controller", controllerListener)
	}
	if err != nil {
		return err
	}
	for range c.opts.Brokers {
		if _, err := c.newBroker(); err != nil {
			return err
		}
	}
	return c.configure()
}

// newBroker adds a broker with the next id.
func (c *Cluster) newBroker() (*Node, error) {
	listeners := c.opts.listeners()
	if c.opts.combined() && c.controller == nil {
		listeners = append(listeners, controllerListener)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id := len(c.brokers) + 1
	n, err := c.newNode(int32(id), fmt.Sprintf("broker-%d", id), listeners...)
	if err != nil {
		return nil, err
	}
	c.brokers = append(c.brokers, n)
	if _, ok := n.ports[controllerListener]; ok {
		c.controller = n
	}
	return n, nil
}

func (c *Cluster) configure() error {
	var errs []error
	if c.zooKeeper != nil {
		errs = append(errs, c.zooKeeper.configure(zooKeeperHeapMB,
			"org.apache.zookeeper.server.quorum.QuorumPeerMain", c.zooKeeperProperties(c.zooKeeper)))
	}
	if c.controller != nil && !c.opts.combined() {
		errs = append(errs, c.controller.configure(controllerHeapMB, "kafka.Kafka", c.controllerProperties(c.controller)))
	}
	for _, b := range c.Brokers() {
		errs = append(errs, b.configure(c.opts.HeapMB, "kafka.Kafka", c.brokerProperties(b)))
	}
	return errors.Join(errs...)
}

// clusterID writes an id as Kafka does. It begins with a letter: Kafka's tools take a dash for an option.
func clusterID(id [16]byte) string {
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// begin formats a node's storage where it needs that, and starts it.
func (c *Cluster) begin(ctx context.Context, n *Node) error {
	if !c.opts.zooKeeper() {
		if err := c.format(ctx, n); err != nil {
			return err
		}
	}
	return n.start()
}

func (c *Cluster) format(ctx context.Context, n *Node) error {
	args := []string{"format", "--cluster-id", c.id, "--config", n.config()}
	if s := c.opts.Security; s != nil {
		for _, user := range slices.Sorted(maps.Keys(s.Users)) {
			for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
				args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, s.Users[user]))
			}
		}
	}
	argv := c.lib.tool("kafka.tools.StorageTool", args...)
	if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("format %s: %w\n%s", n.name, err, out)
	}
	return nil
}

// AddBroker starts one more broker, with the next id, and returns when it serves
// and all others know it. It leads nothing until something is moved to it.
func (c *Cluster) AddBroker(ctx context.Context) (*Node, error) {
	n, err := c.newBroker()
	if err != nil {
		return nil, err
	}
	if err := n.configure(c.opts.HeapMB, "kafka.Kafka", c.brokerProperties(n)); err != nil {
		return nil, err
	}
	if err := c.begin(ctx, n); err != nil {
		return nil, err
	}
	return n, c.waitServing(ctx)
}

// Version is the Kafka release that runs.
func (c *Cluster) Version() string { return c.opts.Version }

// Brokers are all brokers, by id, whether they run or not.
func (c *Cluster) Brokers() []*Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.brokers)
}

// Broker returns the broker with an id from 1; it panics where there is none.
func (c *Cluster) Broker(id int32) *Node { return c.Brokers()[id-1] }

// Controller is the KRaft controller, which with a single broker is that broker;
// nil with ZooKeeper.
func (c *Cluster) Controller() *Node { return c.controller }

// Bootstrap returns the plaintext addresses of all brokers.
func (c *Cluster) Bootstrap() []string { return c.SecureBootstrap(Plaintext) }

// SecureBootstrap returns the addresses of all brokers on one listener.
func (c *Cluster) SecureBootstrap(l Listener) []string {
	var all []string
	for _, b := range c.Brokers() {
		if a := b.Address(l); a != "" {
			all = append(all, a)
		}
	}
	return all
}

// Certificates are the files for the TLS listeners; nil without [Options.Security].
func (c *Cluster) Certificates() *Certificates { return c.certificates }

// nodes are all nodes, in the order in which they may be started.
func (c *Cluster) nodes() []*Node {
	var all []*Node
	if c.zooKeeper != nil {
		all = append(all, c.zooKeeper)
	}
	if c.controller != nil && !c.opts.combined() {
		all = append(all, c.controller)
	}
	return append(all, c.Brokers()...)
}

// Keep has [Cluster.Close] leave the logs and data, for a look after a failure,
// and returns the directory. The first Start after a day removes it.
func (c *Cluster) Keep() string {
	c.scratch.keep = true
	return c.scratch.dir
}

// Close kills every process and removes all data, unless [Cluster.Keep] was called.
func (c *Cluster) Close() error {
	var errs []error
	for _, n := range c.nodes() {
		errs = append(errs, n.Kill(), n.release())
	}
	return errors.Join(append(errs, c.scratch.remove())...)
}

// clash marks an error that a taken port explains.
func clash(err error) error {
	if err != nil && strings.Contains(err.Error(), "Address already in use") {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}
