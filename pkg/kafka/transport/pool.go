package transport

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/guard"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// UnknownNode is the id of an address that no metadata has named yet: a bootstrap server.
const UnknownNode int32 = -1

// Shared is what the brokers of a client have in common.
type Shared struct {
	Guard  guard.Guard
	Budget *Budget
	// Observer is told of requests and connections, with errors as Observed makes them.
	Observer Observer
	Observed func(error) error
	// Admit is asked about every new connection, and Answered is called after every answer.
	Admit    Admit
	Answered func()
	// Answering are the addresses that have answered requests.
	Answering *Addresses
	// SlowAfter is how long a request takes for its broker to count as slow.
	SlowAfter time.Duration
}

// Broker is one broker's address and the connections to it.
//
// A caller holds a slot while it uses a connection; there are as many slots as
// there may be connections, and an idle connection is only kept while its slot
// is free, so slots bound connections.
type Broker struct {
	Shared
	cfg   *Settings
	addr  string
	node  atomic.Int32
	slots chan struct{}
	// curious are those of the slots that may be used for what people ask about.
	curious chan struct{}
	// slow is set while the newest request took longer than others are asked after.
	slow atomic.Bool

	mu   sync.Mutex
	idle []*Conn // the most recently used last
	open int
	// idleEnds looks after the idle connections; nil while there are none.
	idleEnds *time.Timer
	// retired keeps connections in use from becoming idle ones.
	retired  bool
	failures int
	retryAt  time.Time
	lastErr  error
	// waits are the connections for waiting, once there are any.
	waits *Broker
}

// NewBroker returns a broker without connections.
func NewBroker(cfg *Settings, common Shared, addr string) *Broker {
	b := &Broker{
		Shared: common, cfg: cfg, addr: addr, slots: make(chan struct{}, cfg.MaxConnectionsPerBroker),
		curious: make(chan struct{}, max(1, cfg.MaxConnectionsPerBroker-1)),
	}
	b.node.Store(UnknownNode)
	return b
}

// Name is the broker in an operator's words.
func (b *Broker) Name() string {
	if node := b.node.Load(); node != UnknownNode {
		return fmt.Sprintf("broker %d", node)
	}
	return "bootstrap server " + wire.Text(b.addr)
}

// Request sends one request in the newest version within ours that the broker
// knows, and returns its response. It waits for a free connection until ctx ends.
func (b *Broker) Request(ctx context.Context, req kmsg.Request, ours Span) (kmsg.Response, error) {
	start := time.Now()
	resp, err := b.exchange(ctx, req, ours)
	if slow := time.Since(start) > b.SlowAfter; slow || err == nil {
		b.slow.Store(slow)
	}
	// That the caller has given up says nothing about the broker.
	if _, unsent := errors.AsType[*VersionError](err); !unsent && !errors.Is(err, context.Canceled) {
		b.Observer.RequestDone(kmsg.NameForKey(req.Key()), b.node.Load(), time.Since(start), b.Observed(err))
	}
	return resp, err
}

// RequestForPeople is Request for what only people ask about. It leaves a connection
// to others: however many people are curious about a broker that answers slowly,
// what is read all the time does not stand behind them.
func (b *Broker) RequestForPeople(ctx context.Context, req kmsg.Request, ours Span) (kmsg.Response, error) {
	select {
	case b.curious <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for one of %d connections: %w", cap(b.curious), context.Cause(ctx))
	}
	defer func() { <-b.curious }()
	return b.Request(ctx, req, ours)
}

func (b *Broker) exchange(ctx context.Context, req kmsg.Request, ours Span) (kmsg.Response, error) {
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
func (b *Broker) on(ctx context.Context, c *Conn, req kmsg.Request, ours Span) (resp kmsg.Response, gone bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	used := c.answered > 0
	usable := false
	broken := b.Guard.Contain("request", func() { resp, usable, err = c.request(ctx, req, ours) })
	b.release(c, usable && broken == nil)
	if broken != nil {
		return nil, false, broken
	}
	if err == nil {
		b.Answered()
	}
	var version *VersionError
	if err == nil || errors.As(err, &version) {
		if err == nil && !used {
			b.Answering.Add(b.addr)
		}
		return resp, false, err
	}
	err = interruption(ctx, err)
	gone = used && !c.begun && peerClosed(err)
	return nil, gone, &ConnError{
		stage: StageRequest, addr: b.addr, tls: b.cfg.TLS != nil, sasl: b.cfg.SASL != nil,
		fresh: !used, worked: b.Answering.Has(b.addr), timeout: IsTimeout(err), err: err,
	}
}

// acquire returns an idle connection or a new one. The caller holds a slot.
func (b *Broker) acquire(ctx context.Context) (*Conn, error) {
	if c, err := b.takeIdle(time.Now()); c != nil || err != nil {
		return c, err
	}
	if err := b.cfg.allows(b.node.Load(), b.addr); err != nil {
		return nil, err
	}
	start := time.Now()
	c, err := Dial(ctx, b.cfg, b.Admit, b.Budget, b.addr)
	if refused, ok := errors.AsType[*ConnError](err); ok {
		refused.worked = b.Answering.Has(b.addr)
	}
	b.Observer.ConnectDone(b.node.Load(), time.Since(start), b.Observed(err))
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
func (b *Broker) takeIdle(now time.Time) (*Conn, error) {
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
func (b *Broker) failed(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, ErrClosed) {
		return // the caller gave up; that says nothing about the broker
	}
	wait := min(backoffFirst<<min(b.failures, 10), backoffMost)
	b.failures++
	b.retryAt = time.Now().Add(Jitter(wait))
	b.lastErr = err
}

// release takes a connection back, to keep or to close.
func (b *Broker) release(c *Conn, usable bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if usable && !b.retired {
		b.idle = append(b.idle, c)
		b.watchIdle()
		return
	}
	c.Close()
	b.open--
}

// dropStale closes the idle connections that are too old. The caller holds mu.
func (b *Broker) dropStale(now time.Time) {
	kept := b.idle[:0]
	for _, c := range b.idle {
		if c.stale(now, b.cfg.IdleTimeout) {
			c.Close()
			b.open--
			continue
		}
		kept = append(kept, c)
	}
	b.idle = kept
}

// dropIdle closes all idle connections.
func (b *Broker) dropIdle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.idle {
		c.Close()
		b.open--
	}
	b.idle = nil
	b.watchIdle()
}

// Retire closes the idle connections, and those in use when they are given back.
// Calls that have the broker already may still finish on it.
func (b *Broker) Retire() {
	b.mu.Lock()
	b.retired = true
	b.mu.Unlock()
	b.dropIdle()
	b.retireWaits()
}

// Addr is the broker's address.
func (b *Broker) Addr() string { return b.addr }

// Node is the broker's id, or UnknownNode.
func (b *Broker) Node() int32 { return b.node.Load() }

// SetNode notes the broker's id.
func (b *Broker) SetNode(node int32) { b.node.Store(node) }

// Slow tells whether the newest request took long.
func (b *Broker) Slow() bool { return b.slow.Load() }

// Ready tells whether a request would not meet a known failure.
func (b *Broker) Ready(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.idle) > 0 || !now.Before(b.retryAt)
}

// Stats returns how many connections there are.
func (b *Broker) Stats() BrokerStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BrokerStats{Broker: b.node.Load(), Address: b.addr, Open: b.open, Idle: len(b.idle)}
	if b.waits != nil {
		s.Waiting = b.waits.Stats().Open
		s.Open += s.Waiting
	}
	return s
}
