package proc

import (
	"net"
	"testing"
	"time"
)

func TestReservedPortIsForTheChildOnly(t *testing.T) {
	p, err := ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Release(); err != nil {
			t.Error(err)
		}
	}()
	// Go's listeners set SO_REUSEADDR, as Java's do. Twice: a restarted broker comes back to its port.
	for range 2 {
		listener, err := net.Listen("tcp", p.Address())
		if err != nil {
			t.Fatalf("the port is not free for the child: %v", err)
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// Nobody listens: a client is refused, and does not wait for the reservation.
	if conn, err := net.DialTimeout("tcp", p.Address(), 10*time.Second); err == nil {
		conn.Close()
		t.Error("the reservation itself accepts connections")
	}
	for range 200 {
		other, err := ReservePort()
		if err != nil {
			t.Fatal(err)
		}
		defer other.Release() //nolint:errcheck // it is only there to use up ports
		if other.number == p.number {
			t.Fatalf("port %d was reserved twice", p.number)
		}
	}
}
