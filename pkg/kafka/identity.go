package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

const (
	// replacedAfter is how long no connection must have agreed with the cluster's id before another one is taken
	// for a cluster that has taken its place, and not for an address that leads astray.
	replacedAfter = 30 * time.Second
	// verifyEvery is how often the bootstrap servers are asked again while they lead to two clusters.
	verifyEvery = 30 * time.Second
)

// identity is the id of the cluster that a client reads. Numbers of two clusters make
// no lag, so each new connection is asked which cluster it leads to, and what leads to
// another one than the first is not used.
type identity struct {
	// agreedAt is when a connection that leads to the cluster last answered, in nanoseconds since 1970.
	agreedAt atomic.Int64
	// identified is closed when id is known, and replaced when another cluster has taken the place of this one.
	identified, replaced chan struct{}

	mu sync.Mutex
	// id is empty until a connection has told one, and addr is where it led to.
	id, addr string
	// verifying says that the other bootstrap servers are being asked or have been.
	verifying bool
	// conflict says that they lead to two clusters.
	conflict error
}

func newIdentity() *identity {
	return &identity{identified: make(chan struct{}), replaced: make(chan struct{})}
}

// agree notes that a connection that was let through has answered.
func (i *identity) agree(now time.Time) { i.agreedAt.Store(now.UnixNano()) }

// check takes in which cluster an address leads to, and refuses a second one. A service without ids, which tells none,
// is taken at its word.
func (i *identity) check(id, addr string, now time.Time) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case id == "":
		return nil
	case i.id == "":
		i.id, i.addr = id, addr
		close(i.identified)
	case i.id != id:
		if now.Sub(time.Unix(0, i.agreedAt.Load())) >= replacedAfter {
			i.replace()
		}
		return &fault.Error{
			Kind: fault.Precondition, Op: "connect to", Object: wire.Text(addr),
			Err:    fmt.Errorf("it leads to the cluster with the id %q, and %s led to %q: numbers of two clusters are never mixed", id, i.addr, i.id),
			Remedy: "give the addresses of one cluster only; if the cluster was replaced, the new one is read as soon as the old one has not answered for " + replacedAfter.String(),
		}
	}
	i.agree(now)
	return nil
}

// replace says that the client has to be replaced by a new one. The caller holds mu.
func (i *identity) replace() {
	select {
	case <-i.replaced:
	default:
		close(i.replaced)
	}
}

// ambiguous returns why nothing may be read: the bootstrap servers lead to two clusters.
func (i *identity) ambiguous() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.conflict
}

// known returns the cluster's id, empty where it is not known.
func (i *identity) known() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.id
}

// ClusterID is the id of the cluster, as its brokers tell it; empty until one has, and for a service that has none.
func (c *Client) ClusterID() string { return c.identity.known() }

// Identified is closed when ClusterID is known.
func (c *Client) Identified() <-chan struct{} { return c.identity.identified }

// AnsweredAt is when the cluster last answered anything; 1970 where it never has.
func (c *Client) AnsweredAt() time.Time { return time.Unix(0, c.identity.agreedAt.Load()) }

// Replaced is closed when another cluster answers at the client's addresses, and the one
// that it began with has not for 30 s. Every call fails from then on: what
// is known of the old cluster is worth nothing, and a new client has to start from nothing.
func (c *Client) Replaced() <-chan struct{} { return c.identity.replaced }

// identify asks which cluster a connection leads to.
func identify(ctx context.Context, c *transport.Conn, i *identity, addr string) error {
	query := newMetadataQuery([]string{}, pace.New().Of(ctx))
	if _, err := c.Exchange(ctx, query, metadataVersions); err != nil {
		return err
	}
	return i.check(query.answer.clusterID, addr, time.Now())
}

// verifyServers asks, once, the bootstrap servers that the first answer came not from and did not name:
// which of them is asked first is a matter of luck, and which cluster is read must not be.
func (c *Client) verifyServers(brokers map[int32]string) {
	i := c.identity
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.verifying || i.id == "" {
		return
	}
	i.verifying = true
	servers := slices.DeleteFunc(slices.Clone(c.cfg.BootstrapServers), func(addr string) bool {
		for _, broker := range brokers {
			if broker == addr {
				return true
			}
		}
		return addr == i.addr
	})
	if len(servers) > 0 {
		// The caller is within begin and end, so the client cannot have finished waiting.
		c.guard.Start(&c.running, "ask the bootstrap servers", func() { c.verify(servers) })
	}
}

// verify asks servers until none of them leads to another cluster. One that does not answer proves nothing, and
// is checked when it is connected to.
func (c *Client) verify(servers []string) {
	for {
		var conflict error
		for _, addr := range servers {
			if err := c.leadsAstray(addr); err != nil {
				conflict = err
			}
		}
		c.identity.mu.Lock()
		c.identity.conflict = conflict
		c.identity.mu.Unlock()
		if conflict == nil || !pace.Sleep(c.life, verifyEvery) {
			return
		}
	}
}

// leadsAstray returns an error where an address leads to another cluster.
func (c *Client) leadsAstray(addr string) error {
	conn, err := transport.Dial(c.life, &c.settings, c.shared.Admit, c.budget, addr)
	if err == nil {
		conn.Close()
		return nil
	}
	if other, ok := errors.AsType[*fault.Error](err); ok && other.Kind == fault.Precondition {
		return err
	}
	return nil
}
