package fakekafka

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// listener keeps hold of the connections that a broker has accepted.
type listener struct {
	net.Listener

	mu    sync.Mutex
	conns map[*gated]struct{}
	gate  chan struct{} // closed while the broker reads

	delay atomic.Int64 // of every response, in nanoseconds
}

func newListener(network, address string) (*listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	open := make(chan struct{})
	close(open)
	return &listener{Listener: l, conns: map[*gated]struct{}{}, gate: open}, nil
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &gated{Conn: nc, l: l, closed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	return c, nil
}

func (l *listener) hang() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.gate:
		l.gate = make(chan struct{})
	default:
	}
}

func (l *listener) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.gate:
	default:
		close(l.gate)
	}
}

func (l *listener) drop() {
	l.mu.Lock()
	conns := make([]*gated, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// gated is a connection that holds back what it has read while the gate is shut.
type gated struct {
	net.Conn
	l      *listener
	once   sync.Once
	closed chan struct{}
}

// Read implements net.Conn.
func (c *gated) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		return n, err
	}
	c.l.mu.Lock()
	gate := c.l.gate
	c.l.mu.Unlock()
	select {
	case <-gate:
		return n, nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

// Write implements net.Conn.
func (c *gated) Write(b []byte) (int, error) {
	if delay := time.Duration(c.l.delay.Load()); delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *gated) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.l.mu.Lock()
		delete(c.l.conns, c)
		c.l.mu.Unlock()
	})
	return c.Conn.Close()
}
