package hostilebroker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// Options say what to start. Only Kind is required.
type Options struct {
	Kind Kind
	// Seed is what everything random is drawn from.
	Seed uint64
	// ClusterID is what the broker calls its cluster. Empty makes one of the kind.
	ClusterID string
	// Advertise is the address that [ForbiddenAddress] has clients connect to, host:port.
	Advertise string
	// MaxConnections bounds the connections open at once; more are closed at once. Zero is 1,000.
	MaxConnections int
}

// Broker is a listener on 127.0.0.1 and its connections.
type Broker struct {
	opts     Options
	does     behaviour
	listener net.Listener
	host     string
	port     int32

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	slots   chan struct{}

	accepted, requests, sent atomic.Int64
	millions                 millions
}

// Start starts a broker. Close ends it.
func Start(o Options) (*Broker, error) {
	does, ok := behaviours()[o.Kind]
	if !ok {
		return nil, fmt.Errorf("no kind of hostile broker is called %q", o.Kind)
	}
	if o.ClusterID == "" {
		o.ClusterID = "hostile-" + string(o.Kind)
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 1000
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a hostile broker: %w", err)
	}
	host, text, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("start a hostile broker: %w", err)
	}
	port, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("start a hostile broker: %w", err)
	}
	b := &Broker{opts: o, does: does, listener: l, host: host, port: int32(port), slots: make(chan struct{}, o.MaxConnections)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.running.Go(b.accept)
	return b, nil
}

// Kind is what the broker does.
func (b *Broker) Kind() Kind { return b.opts.Kind }

// Address is where it listens, host:port.
func (b *Broker) Address() string { return b.listener.Addr().String() }

// Stats counts what has happened so far.
type Stats struct {
	Accepted int64 `json:"accepted"` // connections
	Requests int64 `json:"requests"` // complete requests
	Sent     int64 `json:"sent"`     // bytes
}

// Stats returns them.
func (b *Broker) Stats() Stats {
	return Stats{Accepted: b.accepted.Load(), Requests: b.requests.Load(), Sent: b.sent.Load()}
}

// Close ends the broker with all its connections, and returns when they have ended.
func (b *Broker) Close() {
	b.cancel()
	_ = b.listener.Close()
	b.running.Wait()
}

func (b *Broker) accept() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return
		}
		select {
		case b.slots <- struct{}{}:
		default:
			_ = conn.Close()
			continue
		}
		number := b.accepted.Add(1)
		b.running.Go(func() {
			defer func() { <-b.slots }()
			b.serve(conn, uint64(number))
		})
	}
}

// serve speaks to one client until either has enough.
func (b *Broker) serve(conn net.Conn, number uint64) {
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	s := &session{Broker: b, ctx: ctx, conn: conn, rand: rand.New(rand.NewPCG(b.opts.Seed, number))}
	if b.does.greet != nil && b.does.greet(s) != nil {
		return
	}
	for {
		r, err := s.read()
		if err != nil {
			return
		}
		b.requests.Add(1)
		if b.does.answer(s, r) != nil {
			return
		}
	}
}
