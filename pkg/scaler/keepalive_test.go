package scaler

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
)

// mutable is a connection whose end can fall silent without closing it, as a
// machine does that has lost its power or its network.
type mutable struct {
	net.Conn
	mute *atomic.Bool
}

func (m mutable) Write(b []byte) (int, error) {
	if m.mute.Load() {
		return len(b), nil
	}
	return m.Conn.Write(b)
}

// TestStreamOfASilentClientEnds: nothing is heard of a client any more, and what
// was waited for on its behalf is no longer. One that answers pings stays.
func TestStreamOfASilentClientEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		kafka.lags(0)
		listener := bufconn.Listen(1 << 20)
		var mute atomic.Bool
		r := runOn(t, Options{Clusters: kafka}, listener, "passthrough:bufconn", func(ctx context.Context, _ string) (net.Conn, error) {
			conn, err := listener.DialContext(ctx)
			return mutable{conn, &mute}, err
		})
		stream, err := r.keda.StreamIsActive(t.Context(), ref("worker"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * (pingAfter + pingTimeout))
		synctest.Wait()
		if got := kafka.awaited(); got != 1 {
			t.Fatalf("with a client that answers pings, %d streams wait for records, want 1", got)
		}
		mute.Store(true)
		time.Sleep(pingAfter + pingTimeout + time.Second)
		synctest.Wait()
		if got := kafka.awaited(); got != 0 {
			t.Errorf("%d streams wait for records %v after the client was last heard of", got, pingAfter+pingTimeout+time.Second)
		}
		if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
			t.Errorf("the stream ended with %v", err)
		}
	})
}
