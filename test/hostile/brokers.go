package hostile

import (
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kafka-scaler/kafka-scaler/internal/hostilebroker"
)

// sick is the name in the configuration of the cluster of one kind.
func sick(kind hostilebroker.Kind) string { return "sick-" + string(kind) }

// brokers are all hostile brokers: one of each kind that is configured, and one
// that triggers bring.
type brokers struct {
	configured, inline map[hostilebroker.Kind]*hostilebroker.Broker
	trap               *trap
}

func startBrokers(seed uint64, some *regexp.Regexp) (*brokers, error) {
	b := &brokers{configured: map[hostilebroker.Kind]*hostilebroker.Broker{}, inline: map[hostilebroker.Kind]*hostilebroker.Broker{}}
	var err error
	if b.trap, err = newTrap(); err != nil {
		return nil, err
	}
	for i, kind := range hostilebroker.Kinds() {
		if !selects(some, string(kind)) {
			continue
		}
		for j, into := range []map[hostilebroker.Kind]*hostilebroker.Broker{b.configured, b.inline} {
			if kind == hostilebroker.ForbiddenAddress && j == 0 || kind == hostilebroker.ScramIterations && j == 1 {
				continue // a configured cluster may advertise what it likes, and an inline one asks for no password
			}
			broker, err := hostilebroker.Start(hostilebroker.Options{Kind: kind, Seed: seed + uint64(2*i+j), Advertise: b.trap.address()})
			if err != nil {
				b.close()
				return nil, err
			}
			into[kind] = broker
		}
	}
	return b, nil
}

func (b *brokers) close() {
	for _, all := range []map[hostilebroker.Kind]*hostilebroker.Broker{b.configured, b.inline} {
		for _, broker := range all {
			broker.Close()
		}
	}
	b.trap.close()
}

// stats counts what the brokers did.
func (b *brokers) stats() map[string]hostilebroker.Stats {
	all := map[string]hostilebroker.Stats{}
	for kind, broker := range b.configured {
		all[string(kind)] = broker.Stats()
	}
	for kind, broker := range b.inline {
		all[string(kind)+" (brought by triggers)"] = broker.Stats()
	}
	return all
}

// dice are those of one attacker.
func (b *brokers) dice(r *rand.Rand, who string) *dice {
	d := &dice{Rand: r, byKind: map[hostilebroker.Kind]string{}, who: who}
	// In the order of the kinds: that of a map would be another one for each run.
	for _, kind := range hostilebroker.Kinds() {
		if b.inline[kind] != nil || b.configured[kind] != nil {
			d.kinds = append(d.kinds, kind)
		}
		if broker := b.inline[kind]; broker != nil {
			d.byKind[kind] = broker.Address()
			d.inline = append(d.inline, broker.Address())
		}
		if b.configured[kind] != nil {
			d.names = append(d.names, kind)
		}
	}
	return d
}

// configuration is the scaler's: the honest cluster, the sick ones, and all of 127.0.0.1 for triggers.
func configuration(honest []string, idleAfter, hostile string) string {
	return fmt.Sprintf("refresh: {idleAfter: %s}\ninlineBootstrapServers: {allow: [\"127.0.0.1:*\"]}\nclusters:\n  - name: main\n    bootstrapServers: [\"%s\"]\n%s",
		idleAfter, strings.Join(honest, `", "`), hostile)
}

// config is the part of the scaler's configuration that names the brokers.
func (b *brokers) config() string {
	var c strings.Builder
	for _, kind := range hostilebroker.Kinds() {
		broker := b.configured[kind]
		if broker == nil {
			continue
		}
		fmt.Fprintf(&c, "  - name: %s\n    bootstrapServers: [\"%s\"]\n", sick(kind), broker.Address())
		if kind == hostilebroker.ScramIterations {
			fmt.Fprintf(&c, "    sasl: {mechanism: scram_sha256, username: user, passwordEnv: %s}\n", passwordVariable)
		}
	}
	return c.String()
}

// trap is an address that no trigger may bring, and that a hostile broker advertises:
// whoever comes was led there. It is "localhost", which the pattern 127.0.0.1:* does not match.
type trap struct {
	listener net.Listener
	caught   atomic.Int64
	waiting  sync.WaitGroup
}

func newTrap() (*trap, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("set a trap: %w", err)
	}
	t := &trap{listener: l}
	t.waiting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.caught.Add(1)
			_ = conn.Close()
		}
	})
	return t, nil
}

func (t *trap) address() string {
	_, port, _ := net.SplitHostPort(t.listener.Addr().String())
	return net.JoinHostPort("localhost", port)
}

func (t *trap) close() {
	_ = t.listener.Close()
	t.waiting.Wait()
}
