package kafka

import (
	"context"
	"errors"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
)

// errDropped is the cause of a request's end when the cluster no longer counts its broker as alive.
var errDropped = errors.New("it does not answer, and the cluster does not count it as alive any more")

// ask puts a request to the one broker that can answer it. As long as no answer
// comes it asks the others, every hedgeAfter, whether the cluster still counts that
// broker as alive. Once it does not, others lead and coordinate in its place: the
// request ends with errDropped, which newer routes may cure, and not only when its
// time is over. A broker that hangs closes no connection and says nothing.
func (c *Client) ask(ctx context.Context, b *transport.Broker, req kmsg.Request, ours transport.Span) (kmsg.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watched, stop := context.WithCancel(ctx)
	if r, ok := req.(beginner); ok {
		r.onBegin(stop)
	}
	var watching sync.WaitGroup
	c.guard.Start(&watching, "watch over a broker", func() { c.watchOver(watched, b.Addr(), cancel) })
	defer watching.Wait()
	defer stop()
	defer cancel(nil)
	if inBackground(ctx) {
		return b.RequestForPeople(ctx, req, ours)
	}
	return b.Request(ctx, req, ours)
}

type backgroundKey struct{}

// InBackground marks the calls of a context as what nobody waits for: their requests leave a connection to each broker to
// others, so that a refresh does not stand behind them.
func InBackground(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

func inBackground(ctx context.Context) bool { return ctx.Value(backgroundKey{}) != nil }

// beginner is a request that can tell when its response begins to arrive: its
// broker is alive then, however long the rest takes.
type beginner interface {
	onBegin(do func())
}

// watchOver ends ctx with errDropped when the cluster has dropped the broker at addr.
func (c *Client) watchOver(ctx context.Context, addr string, end context.CancelCauseFunc) {
	for pace.Sleep(ctx, hedgeAfter) {
		_, err := c.metadataOf(ctx, []string{})
		if err == nil && !c.routes.names(addr) {
			end(errDropped)
			return
		}
	}
}
