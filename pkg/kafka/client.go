package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/guard"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
)

// Observer is told what a [Client] does. Its methods are called from many
// goroutines and must return at once.
type Observer = transport.Observer

// Budget bounds the bytes of answers that are held at a time, in all clients that
// share it.
type Budget = transport.Budget

// NewBudget returns a budget of so many bytes, or, where that is not positive, of 64 MiB.
func NewBudget(bytes int64) *Budget { return transport.NewBudget(bytes) }

// BrokerStats are the connections to one broker.
type BrokerStats = transport.BrokerStats

type silentObserver struct{}

// RequestDone implements Observer.
func (silentObserver) RequestDone(string, int32, time.Duration, error) {}

// ConnectDone implements Observer.
func (silentObserver) ConnectDone(int32, time.Duration, error) {}

// Panicked implements Observer.
func (silentObserver) Panicked(string) {}

// Options are what a [Client] can be given besides its [Config].
type Options struct {
	// Logger gets the rare events: leaders and coordinators that moved. Nil means none.
	Logger *zap.Logger
	// Observer is told of every request and connection. Nil means none.
	Observer Observer
	// Budget bounds the bytes of answers held at a time, by all clients that are given the same. Nil means one of
	// 64 MiB for this client.
	Budget *Budget
}

// Client reads one cluster with one credential. It is safe for use by many
// goroutines, starts none that outlives it, and implements the Source of
// pkg/collector.
type Client struct {
	cfg      Config
	log      *zap.Logger
	observer Observer
	budget   *Budget
	guard    guard.Guard
	// settings and shared are what all brokers have in common.
	settings transport.Settings
	shared   transport.Shared

	// life ends when the client is closed, and every call with it.
	life    context.Context
	endLife context.CancelCauseFunc
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool

	brokers *brokers

	// turn is that of those who read large responses.
	turn *pace.Turn

	identity     *identity
	routes       routes
	coordinators *table[coordinator]
	shares       *shares
}

// New returns a client for a valid configuration. It connects to nothing yet.
func New(cfg Config, opts Options) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg.withDefaults(), log: opts.Logger, observer: opts.Observer, budget: opts.Budget, turn: pace.New(), identity: newIdentity()}
	if c.budget == nil {
		c.budget = NewBudget(0)
	}
	if c.log == nil {
		c.log = zap.NewNop()
	}
	c.log = c.log.With(zap.String("cluster", c.cfg.Name))
	if c.observer == nil {
		c.observer = silentObserver{}
	}
	c.guard = guard.Guard{Log: c.log, Observer: c.observer}
	c.settings = c.cfg.settings()
	c.shared = transport.Shared{
		Guard: c.guard, Budget: c.budget, Observer: c.observer, Observed: observed,
		Admit: func(ctx context.Context, conn *transport.Conn, addr string) error {
			return identify(ctx, conn, c.identity, addr)
		},
		Answered:  func() { c.identity.agree(time.Now()) },
		Answering: &transport.Addresses{}, SlowAfter: hedgeAfter,
	}
	c.brokers = newBrokers(&c.settings, c.shared)
	c.life, c.endLife = context.WithCancelCause(context.Background())
	c.routes.init()
	c.coordinators = newTable[coordinator](maxCoordinators, maxCoordinatorsBytes)
	c.shares = newShares(c.routes.described)
	return c, nil
}

// Close interrupts every call, waits until all have returned, and closes all
// connections. Calls after it fail.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.endLife(transport.ErrClosed)
	c.running.Wait()
	c.brokers.keep(nil)
}

// begin starts a call: the context it returns ends with the client too, and end
// must be called when the call and all its goroutines are over.
func (c *Client) begin(ctx context.Context) (callCtx context.Context, end func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, transport.ErrClosed
	}
	if err := c.identity.ambiguous(); err != nil {
		return nil, nil, err
	}
	now := time.Now()
	c.routes.topics.sweep(now)
	c.coordinators.sweep(now)
	c.shares.none.sweep(now)
	c.running.Add(1)
	callCtx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.life, func() { cancel(transport.ErrClosed) })
	return callCtx, func() {
		stop()
		cancel(nil)
		c.running.Done()
	}, nil
}

// Stats returns the brokers that the client has had to do with, by id and address.
func (c *Client) Stats() []BrokerStats { return c.brokers.stats() }

// cluster names the cluster in errors.
func (c *Client) cluster() string { return fmt.Sprintf("cluster %q", c.cfg.Name) }
