package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// unknownNode is the id of an address that no metadata has named yet: a bootstrap server.
const unknownNode int32 = -1

// shared is what the brokers of a client have in common.
type shared struct {
	cluster *identity
	guard   guard
	budget  *Budget
	// answering are the addresses that have answered requests.
	answering *addresses
}

// broker is one broker's address and the connections to it.
//
// A caller holds a slot while it uses a connection; there are as many slots as
// there may be connections, and an idle connection is only kept while its slot
// is free, so slots bound connections.
type broker struct {
	shared
	cfg   *Config
	addr  string
	node  atomic.Int32
	slots chan struct{}
	// curious are those of the slots that may be used for what people ask about.
	curious chan struct{}
	// slow is set while the newest request took longer than others are asked after.
	slow atomic.Bool

	mu   sync.Mutex
	idle []*conn // the most recently used last
	open int
	// idleEnds looks after the idle connections; nil while there are none.
	idleEnds *time.Timer
	// retired keeps connections in use from becoming idle ones.
	retired  bool
	failures int
	retryAt  time.Time
	lastErr  error
	// waits are the connections for waiting, once there are any.
	waits *broker
}

func newBroker(cfg *Config, common shared, addr string) *broker {
	b := &broker{
		shared: common, cfg: cfg, addr: addr, slots: make(chan struct{}, cfg.MaxConnectionsPerBroker),
		curious: make(chan struct{}, max(1, cfg.MaxConnectionsPerBroker-1)),
	}
	b.node.Store(unknownNode)
	return b
}

// name is the broker in an operator's words.
func (b *broker) name() string {
	if node := b.node.Load(); node != unknownNode {
		return fmt.Sprintf("broker %d", node)
	}
	return "bootstrap server " + wire.Text(b.addr)
}

// request sends one request in the newest version within ours that the broker
// knows, and returns its response. It waits for a free connection until ctx ends.
func (b *broker) request(ctx context.Context, req kmsg.Request, ours span) (kmsg.Response, error) {
	start := time.Now()
	resp, err := b.exchange(ctx, req, ours)
	if slow := time.Since(start) > hedgeAfter; slow || err == nil {
		b.slow.Store(slow)
	}
	// That the caller has given up says nothing about the broker.
	if _, unsent := errors.AsType[*versionError](err); !unsent && !errors.Is(err, context.Canceled) {
		b.guard.observer.RequestDone(kmsg.NameForKey(req.Key()), b.node.Load(), time.Since(start), observed(err))
	}
	return resp, err
}

// requestForPeople is request for what only people ask about. It leaves a connection
// to others: however many people are curious about a broker that answers slowly,
// what is read all the time does not stand behind them.
func (b *broker) requestForPeople(ctx context.Context, req kmsg.Request, ours span) (kmsg.Response, error) {
	select {
	case b.curious <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for one of %d connections: %w", cap(b.curious), context.Cause(ctx))
	}
	defer func() { <-b.curious }()
	return b.request(ctx, req, ours)
}

func (b *broker) exchange(ctx context.Context, req kmsg.Request, ours span) (kmsg.Response, error) {
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for one of %d connections: %w", cap(b.slots), context.Cause(ctx))
	}
	defer func() { <-b.slots }()
	for {
		c, err := b.acquire(ctx)
		if err != nil {
			return nil, err
		}
		resp, gone, err := b.on(ctx, c, req, ours)
		if !gone {
			return resp, err
		}
		// The broker had closed the connection while nobody used it, as it does after
		// connections.max.idle.ms and when it restarts. Others are likely to be closed too.
		b.dropIdle()
	}
}

// on sends one request on a connection and takes the connection back. gone means
// that the broker had closed it before: the request was not looked at.
func (b *broker) on(ctx context.Context, c *conn, req kmsg.Request, ours span) (resp kmsg.Response, gone bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	used := c.answered > 0
	usable := false
	broken := b.guard.contain("request", func() { resp, usable, err = c.request(ctx, req, ours) })
	b.release(c, usable && broken == nil)
	if broken != nil {
		return nil, false, broken
	}
	if err == nil {
		b.cluster.agree(time.Now())
	}
	var version *versionError
	if err == nil || errors.As(err, &version) {
		if err == nil && !used {
			b.answering.add(b.addr)
		}
		return resp, false, err
	}
	err = interruption(ctx, err)
	gone = used && !c.begun && peerClosed(err)
	return nil, gone, &connError{
		stage: stageRequest, addr: b.addr, tls: b.cfg.TLS != nil, sasl: b.cfg.SASL != nil,
		fresh: !used, worked: b.answering.has(b.addr), timeout: isTimeout(err), err: err,
	}
}

// acquire returns an idle connection or a new one. The caller holds a slot.
func (b *broker) acquire(ctx context.Context) (*conn, error) {
	if c, err := b.takeIdle(time.Now()); c != nil || err != nil {
		return c, err
	}
	if err := b.cfg.allows(b.node.Load(), b.addr); err != nil {
		return nil, err
	}
	start := time.Now()
	c, err := dial(ctx, b.cfg, b.cluster, b.budget, b.addr)
	if refused, ok := errors.AsType[*connError](err); ok {
		refused.worked = b.answering.has(b.addr)
	}
	b.guard.observer.ConnectDone(b.node.Load(), time.Since(start), observed(err))
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.failed(err)
		return nil, err
	}
	b.failures, b.lastErr = 0, nil
	b.open++
	return c, nil
}

// takeIdle returns a connection that is fit for use, or nil, or, within the
// backoff after a failure, what failed.
func (b *broker) takeIdle(now time.Time) (*conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropStale(now)
	if n := len(b.idle); n > 0 {
		c := b.idle[n-1]
		b.idle = b.idle[:n-1]
		return c, nil
	}
	if now.Before(b.retryAt) {
		return nil, b.lastErr
	}
	return nil, nil
}

// failed notes that no connection could be made. The caller holds mu.
func (b *broker) failed(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, errClosed) {
		return // the caller gave up; that says nothing about the broker
	}
	wait := min(backoffFirst<<min(b.failures, 10), backoffMost)
	b.failures++
	b.retryAt = time.Now().Add(jitter(wait))
	b.lastErr = err
}

// release takes a connection back, to keep or to close.
func (b *broker) release(c *conn, usable bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if usable && !b.retired {
		b.idle = append(b.idle, c)
		b.watchIdle()
		return
	}
	c.close()
	b.open--
}

// dropStale closes the idle connections that are too old. The caller holds mu.
func (b *broker) dropStale(now time.Time) {
	kept := b.idle[:0]
	for _, c := range b.idle {
		if c.stale(now, b.cfg.IdleTimeout) {
			c.close()
			b.open--
			continue
		}
		kept = append(kept, c)
	}
	b.idle = kept
}

// dropIdle closes all idle connections.
func (b *broker) dropIdle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.idle {
		c.close()
		b.open--
	}
	b.idle = nil
	b.watchIdle()
}

// retire closes the idle connections, and those in use when they are given back.
// Calls that have the broker already may still finish on it.
func (b *broker) retire() {
	b.mu.Lock()
	b.retired = true
	b.mu.Unlock()
	b.dropIdle()
	b.retireWaits()
}

// ready tells whether a request would not meet a known failure.
func (b *broker) ready(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.idle) > 0 || !now.Before(b.retryAt)
}

func (b *broker) stats() BrokerStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BrokerStats{Broker: b.node.Load(), Address: b.addr, Open: b.open, Idle: len(b.idle)}
	if b.waits != nil {
		s.Waiting = b.waits.stats().Open
		s.Open += s.Waiting
	}
	return s
}
