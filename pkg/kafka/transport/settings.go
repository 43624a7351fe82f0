package transport

import (
	"time"
)

// Reconnect attempts to one broker are at least this far apart, doubling from
// the first to the second with every failure, with jitter of half of it. The
// maximum bounds how long a broker that is back goes unnoticed.
const (
	backoffFirst = 100 * time.Millisecond
	backoffMost  = time.Second
)

// Settings are how brokers are connected to. None has a default here.
type Settings struct {
	ClientID string
	TLS      *TLS
	SASL     *SASL

	DialTimeout, RequestTimeout  time.Duration
	IdleTimeout, WaitIdleTimeout time.Duration

	MaxConnectionsPerBroker, MaxWaitConnectionsPerBroker int

	// Allow returns why a broker at an address must not be connected to. Nil allows all.
	Allow func(broker int32, addr string) error
}

func (s *Settings) allows(broker int32, addr string) error {
	if s.Allow == nil {
		return nil
	}
	return s.Allow(broker, addr)
}
