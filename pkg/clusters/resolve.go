package clusters

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// allowKey is the configuration key that decides about addresses in triggers.
const allowKey = "inlineBootstrapServers.allow"

// Resolve returns the cluster that a trigger of a ScaledObject in the namespace
// names. It reads nothing from the cluster and answers from memory. The error is a
// *fault.Error: NotFound for an unknown name, Denied for addresses that the
// configuration does not allow, Invalid where the trigger contradicts the cluster's
// configuration or needs credentials that it cannot bring, Precondition where there
// are too many clusters already, of the namespace or of all, Unavailable once the set
// has ended.
func (s *Set) Resolve(namespace string, t trigger.Connection) (*Cluster, error) {
	s.mu.RLock()
	c, err := s.lookUp(t)
	s.mu.RUnlock()
	if c == nil && err == nil {
		c, err = s.openInline(namespace, t)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// lookUp returns the cluster, or no error either where it may be used and is not
// open yet. The caller holds mu, be it for reading.
func (s *Set) lookUp(t trigger.Connection) (*Cluster, error) {
	if t.Cluster != "" {
		c := s.named[t.Cluster]
		if c == nil {
			return nil, s.unknown(t.Cluster)
		}
		return c, c.contradiction(t)
	}
	if configured := s.byAddress[addresses(t.BootstrapServers)]; len(configured) > 0 {
		return choose(configured, t)
	}
	if address := s.refused(t.BootstrapServers); address != "" {
		return nil, denied(address)
	}
	if !isNone(t.SASL) {
		return nil, &fault.Error{
			Kind: fault.Invalid, Op: "connect to", Object: "bootstrapServers " + inlineLabel(t),
			Err:    fmt.Errorf("sasl %q needs credentials, and a trigger cannot bring any", t.SASL),
			Remedy: "configure the cluster under `clusters` of " + s.opts.Configuration + " and name it with `cluster`",
		}
	}
	if n := s.inline[inlineName(t)]; n != nil {
		n.touch()
		return n.cluster, nil
	}
	return nil, nil //nolint:nilnil // it may be used, and is not open yet
}

// choose returns the one configured cluster that a trigger with its addresses means.
func choose(configured []*Cluster, t trigger.Connection) (*Cluster, error) {
	var fitting []*Cluster
	var names []string
	for _, c := range configured {
		if c.contradiction(t) == nil {
			fitting = append(fitting, c)
			names = append(names, c.Name())
		}
	}
	switch len(fitting) {
	case 0:
		return nil, configured[0].contradiction(t)
	case 1:
		return fitting[0], nil
	}
	return nil, &fault.Error{
		Kind: fault.Invalid, Op: "find the cluster of", Object: "bootstrapServers " + inlineLabel(t),
		Err:    fmt.Errorf("the configuration has several: %s", strings.Join(names, ", ")),
		Remedy: "name one of them with `cluster`",
	}
}

// contradiction returns what the trigger says about the connection that is not so.
// What it leaves out is no contradiction: KEDA's own triggers may have it in a
// TriggerAuthentication, which does not reach an external scaler.
func (c *Cluster) contradiction(t trigger.Connection) error {
	var problem string
	switch mechanism := c.cluster.SASL.Mechanism; {
	case t.TLS && !c.cluster.TLS.Enabled:
		problem = "tls is \"enable\" in the trigger and off in the scaler's configuration"
	case !isNone(t.SASL) && t.SASL != mechanism:
		if mechanism == "" {
			mechanism = config.SASLNone
		}
		problem = fmt.Sprintf("sasl is %q in the trigger and %q in the scaler's configuration", t.SASL, mechanism)
	default:
		return nil
	}
	return &fault.Error{
		Kind: fault.Invalid, Op: "use", Object: fmt.Sprintf("cluster %q", c.Name()), Err: errors.New(problem),
		Remedy: "correct one of the two, or leave tls and sasl out of the trigger",
	}
}

// refused returns the first address that a trigger may not bring, or nothing. The caller holds mu.
func (s *Set) refused(servers []string) string {
	for _, server := range servers {
		if !s.config.InlineBootstrapServers.Allows(server) {
			return server
		}
	}
	return ""
}

func denied(address string) error {
	return &fault.Error{
		Kind: fault.Denied, Op: "connect to", Object: "bootstrapServers " + address,
		Err:    errors.New("the scaler's configuration has no cluster with the trigger's addresses, and " + allowKey + " does not allow them"),
		Remedy: "name a configured cluster with `cluster`, or have the addresses added to " + allowKey,
	}
}

func (s *Set) unknown(name string) error {
	known := "none is configured"
	if len(s.named) > 0 {
		known = "known: " + strings.Join(slices.Sorted(maps.Keys(s.named)), ", ")
	}
	return &fault.Error{
		Kind: fault.NotFound, Op: "find", Object: fmt.Sprintf("cluster %q", name),
		Err:    errors.New("unknown cluster; " + known),
		Remedy: "correct `cluster`, or add it to `clusters` of " + s.opts.Configuration,
	}
}
