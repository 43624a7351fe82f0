package clusters

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// name is a list of addresses by which triggers name a cluster. Which cluster it leads to only the cluster
// can say: until it has, each list has one of its own.
type name struct {
	cluster *Cluster
	servers []string
	// namespace is whose trigger brought it first.
	namespace string
	// used is when a trigger was last resolved by it, in nanoseconds since 1970.
	used atomic.Int64
}

func (n *name) touch() { n.used.Store(time.Now().UnixNano()) }

func (n *name) unusedFor() time.Duration { return time.Since(time.Unix(0, n.used.Load())) }

// inlineName is a trigger's addresses in a form that can be compared.
func inlineName(t trigger.Connection) string {
	name := addresses(t.BootstrapServers)
	if t.TLS {
		name += " (tls)"
	}
	return name
}

const (
	// maxLabel bounds the name of a cluster that only triggers name, in bytes. It is a label of some fifty
	// metric series, and part of errors.
	maxLabel = 100
	// maxHostShown is how much of the first address of a longer list is shown.
	maxHostShown = 60
)

// inlineLabel names a cluster by addresses, as no configured name can look: all of them where they are short, else
// the first one, how many more there are, and a hash that keeps two lists apart.
func inlineLabel(t trigger.Connection) string {
	all := inlineName(t)
	if len(all) <= maxLabel {
		return all
	}
	sum := sha256.Sum256([]byte(all))
	first, rest, _ := strings.Cut(all, ",")
	label := first[:min(len(first), maxHostShown)]
	if len(label) < len(first) {
		label += "..."
	}
	if rest != "" {
		label += fmt.Sprintf(" and %d more", strings.Count(rest, ",")+1)
	}
	if t.TLS {
		label += " (tls)"
	}
	return label + " " + hex.EncodeToString(sum[:4])
}

// openInline makes the cluster of a trigger's addresses. It looks again whether it
// may, and whether another trigger was faster.
func (s *Set) openInline(namespace string, t trigger.Connection) (*Cluster, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, err := s.lookUp(t); c != nil || err != nil {
		return c, err
	}
	if s.ended {
		return nil, &fault.Error{Kind: fault.Unavailable, Op: "connect to", Object: "bootstrapServers " + inlineLabel(t), Err: errors.New("the scaler is stopping")}
	}
	if err := s.tooMany(namespace, t); err != nil {
		return nil, err
	}
	cluster := config.DefaultCluster()
	cluster.Name = inlineLabel(t)
	cluster.BootstrapServers = t.BootstrapServers
	cluster.TLS.Enabled = t.TLS
	c, err := s.open(settings{cluster: cluster, refresh: s.config.Refresh, inline: true})
	if err != nil {
		return nil, err
	}
	c.namespace = namespace
	n := &name{cluster: c, servers: t.BootstrapServers, namespace: namespace}
	n.touch()
	s.inline[inlineName(t)] = n
	s.start(c)
	return c, nil
}

// tooMany says why there is no room for one more cluster that the namespace brings; nil where there is.
// The caller holds mu.
func (s *Set) tooMany(namespace string, t trigger.Connection) error {
	clusters := s.inlineClusters()
	own, names := 0, 0
	for _, c := range clusters {
		if c.namespace == namespace {
			own++
		}
	}
	for _, n := range s.inline {
		if n.namespace == namespace {
			names++
		}
	}
	var problem string
	switch {
	case own >= maxInlineOfNamespace:
		problem = fmt.Sprintf("triggers of namespace %q name %d clusters by address already, and no more are opened for one namespace", namespace, own)
	case len(clusters) >= maxInline:
		problem = fmt.Sprintf("triggers name %d clusters by address already, and no more are opened", len(clusters))
	case names >= maxNamesOfNamespace:
		problem = fmt.Sprintf("triggers of namespace %q have %d different lists of addresses already, and one namespace gets no more", namespace, names)
	case len(s.inline) >= maxNames:
		problem = fmt.Sprintf("triggers have %d different lists of addresses already, and no more are taken", len(s.inline))
	default:
		return nil
	}
	return &fault.Error{
		Kind: fault.Precondition, Op: "connect to", Object: "bootstrapServers " + inlineLabel(t), Err: errors.New(problem),
		Remedy: "write the addresses of a cluster alike in all triggers, or configure it under `clusters` of " + s.opts.Configuration + " and name it with `cluster`",
	}
}

// inlineClusters are the clusters that only triggers name, each once. The caller holds mu.
func (s *Set) inlineClusters() []*Cluster {
	var clusters []*Cluster
	seen := make(map[*Cluster]bool, len(s.inline))
	for _, n := range s.inline {
		if !seen[n.cluster] {
			seen[n.cluster] = true
			clusters = append(clusters, n.cluster)
		}
	}
	return clusters
}

// dropNames forgets the names that are gone, and ends the clusters that have no name left. The caller
// holds mu for writing.
func (s *Set) dropNames(gone func(*name) bool) {
	before := s.inlineClusters()
	for key, n := range s.inline {
		if gone(n) {
			delete(s.inline, key)
		}
	}
	left := s.inlineClusters()
	for _, c := range before {
		if !slices.Contains(left, c) {
			s.end(c)
		}
	}
}

// recheckInline drops what a trigger could no longer bring, or not as it is. The caller holds mu for writing.
func (s *Set) recheckInline() {
	astray := map[*Cluster]bool{}
	for _, c := range s.inlineClusters() {
		// A connection that was allowed once must not outlive that.
		astray[c] = slices.ContainsFunc(c.client.Stats(), func(b kafka.BrokerStats) bool {
			return b.Open > 0 && !slices.Contains(c.cluster.BootstrapServers, b.Address) && s.allowAdvertised(b.Broker, b.Address) != nil
		})
	}
	s.dropNames(func(n *name) bool {
		return s.refused(n.servers) != "" || len(s.byAddress[addresses(n.servers)]) > 0 || n.cluster.refresh != s.config.Refresh ||
			s.refused(n.cluster.cluster.BootstrapServers) != "" || astray[n.cluster]
	})
}

// silentFor is how long a shared cluster must not have answered before its lists of addresses are tried one by one. No
// trigger's maxSnapshotAge is longer, so nothing that still counts is lost.
const silentFor = 5 * time.Minute

// dropIdle ends the clusters that only triggers named, and none lately. Where several lists of addresses led to a
// cluster that is silent, each is tried by itself again: the cluster is read by the addresses of the first.
func (s *Set) dropIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := s.config.Refresh.IdleAfter
	names := map[*Cluster]int{}
	for _, n := range s.inline {
		names[n.cluster]++
	}
	s.dropNames(func(n *name) bool {
		return n.unusedFor() > idle || (names[n.cluster] > 1 && time.Since(n.cluster.client.AnsweredAt()) > max(idle, silentFor))
	})
}
