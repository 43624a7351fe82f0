package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
)

// hedgeAfter is how long a request that any broker can answer waits for one
// before it is put to the next as well. A broker that hangs costs this much.
const hedgeAfter = 300 * time.Millisecond

// askAny puts a request to brokers, one after the other, until one answers.
// build makes a request of its own for each, since two may be under way; the one that
// was answered is returned with its response.
func (c *Client) askAny(ctx context.Context, build func() kmsg.Request, ours transport.Span) (kmsg.Request, kmsg.Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	race := race{
		candidates: c.candidates(),
		answers:    make(chan answer),
		ask: func(b *transport.Broker) (a answer) {
			broken := c.guard.Contain("ask any broker", func() {
				a.req = build()
				a.resp, a.err = b.Request(ctx, a.req, ours)
			})
			if broken != nil {
				a.err = broken
			}
			return a
		},
	}
	defer race.end()
	defer cancel() // interrupts the losers, which end waits for
	won := race.run(ctx)
	return won.req, won.resp, won.err
}

type answer struct {
	req  kmsg.Request
	resp kmsg.Response
	err  error
}

// race asks candidates in their order and takes the first answer.
type race struct {
	candidates []*transport.Broker
	ask        func(*transport.Broker) answer
	answers    chan answer
	waiting    int
	failures   []error
}

func (r *race) run(ctx context.Context) answer {
	hedge := time.NewTicker(hedgeAfter)
	defer hedge.Stop()
	r.next()
	for {
		select {
		case a := <-r.answers:
			r.waiting--
			var version *transport.VersionError
			if a.err == nil || errors.As(a.err, &version) || ctx.Err() != nil {
				return a
			}
			r.failures = append(r.failures, a.err)
			r.next()
			if r.waiting == 0 {
				return answer{err: telling(r.failures)}
			}
		case <-hedge.C:
			r.next()
		}
	}
}

// next asks the next candidate, if there is one left.
func (r *race) next() {
	if len(r.candidates) == 0 {
		return
	}
	b := r.candidates[0]
	r.candidates = r.candidates[1:]
	r.waiting++
	go func() { r.answers <- r.ask(b) }() // ask contains panics, and end waits for it
}

// end waits for those that lost.
func (r *race) end() {
	for ; r.waiting > 0; r.waiting-- {
		<-r.answers
	}
}

// candidates are the brokers that could answer, the most promising first: those
// that metadata named, connected ones before others, then the bootstrap servers,
// which may be the only ones left that are right when the whole cluster has moved.
func (c *Client) candidates() []*transport.Broker {
	known := c.routes.known()
	var brokers []*transport.Broker
	named := map[string]bool{}
	for node, addr := range known {
		if !named[addr] {
			named[addr] = true
			brokers = append(brokers, c.brokers.at(addr, node))
		}
	}
	shuffle(brokers)
	slices.SortStableFunc(brokers, func(a, b *transport.Broker) int { return min(b.Stats().Open, 1) - min(a.Stats().Open, 1) })
	servers := slices.Clone(c.cfg.BootstrapServers)
	shuffle(servers)
	for _, addr := range servers {
		if !named[addr] {
			named[addr] = true
			brokers = append(brokers, c.brokers.at(addr, transport.UnknownNode))
		}
	}
	now := time.Now()
	slices.SortStableFunc(brokers, func(a, b *transport.Broker) int { return rank(a, now) - rank(b, now) })
	return brokers
}

// rank puts brokers that are slow behind the others, because an answer that another
// broker has given first costs a connection, and those that a request would fail on
// at once behind all.
func rank(b *transport.Broker, now time.Time) int {
	switch {
	case !b.Ready(now):
		return 2
	case b.Slow():
		return 1
	default:
		return 0
	}
}

// telling picks the failure that says most: one that asks something of the user
// rather than one that says that a broker is away.
func telling(failures []error) error {
	for _, err := range failures {
		if failure("", "", err).Kind != fault.Unavailable {
			return err
		}
	}
	return failures[0]
}
