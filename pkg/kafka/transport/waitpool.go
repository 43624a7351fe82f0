package transport

import "time"

// waitTimeout is the request timeout of connections that wait: longer than any
// wait, since every wait brings a deadline of its own.
const waitTimeout = time.Hour

// Waiting returns the broker's connections for requests that it answers when it
// has news. They are counted apart: a wait holds its connection for as long as it
// takes, and must not keep a read from one.
func (b *Broker) Waiting() *Broker {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waits == nil {
		cfg := *b.cfg
		cfg.MaxConnectionsPerBroker, cfg.RequestTimeout = cfg.MaxWaitConnectionsPerBroker, waitTimeout
		cfg.IdleTimeout = cfg.WaitIdleTimeout
		b.waits = NewBroker(&cfg, b.Shared, b.addr)
		b.waits.retired = b.retired
	}
	b.waits.node.Store(b.node.Load())
	return b.waits
}

// retireWaits is retire for the connections that wait.
func (b *Broker) retireWaits() {
	b.mu.Lock()
	waits := b.waits
	b.mu.Unlock()
	if waits != nil {
		waits.Retire()
	}
}
