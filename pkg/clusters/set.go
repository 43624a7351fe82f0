package clusters

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

// Set holds the clusters in use. Its methods may be called from any goroutine.
type Set struct {
	opts Options
	// running are the clusters' goroutines.
	running sync.WaitGroup

	mu sync.RWMutex
	// life is the context of Run, nil before it. Clusters that come later start in it, until Run has ended them.
	life  context.Context
	ended bool
	// config is that in force.
	config config.Config
	// named are the configured clusters by name, byAddress the same by addresses, and inline what only triggers
	// name, by addresses. Several names may be of one cluster.
	named     map[string]*Cluster
	byAddress map[string][]*Cluster
	inline    map[string]*name
	// allowed is config.InlineBootstrapServers, for clients, which must not wait for mu.
	allowed atomic.Pointer[config.InlineBootstrapServers]
	// quota is what namespaces, and all of them together, may take of all clusters.
	quota *collector.Quota
	// budget bounds the answers that are held of all clusters together.
	budget *kafka.Budget
}

// New returns the clusters of a valid configuration. Nothing is read before
// [Set.Run]. The error is a *fault.Error.
func New(c config.Config, o Options) (*Set, error) {
	s := &Set{
		opts: o.withDefaults(), named: map[string]*Cluster{}, inline: map[string]*name{},
		quota: collector.NewQuota(0, 0, o.MemoryLimit/100*queriesShare), budget: kafka.NewBudget(0),
	}
	if err := s.Apply(c); err != nil {
		return nil, err
	}
	return s, nil
}

// Run reads the clusters until ctx ends, and returns nil when all of them are
// closed. It must be called once.
func (s *Set) Run(ctx context.Context) error {
	s.mu.Lock()
	s.life = ctx
	for _, c := range s.all() {
		s.start(c)
	}
	s.mu.Unlock()
	for pace.Sleep(ctx, s.idleCheck()) {
		s.dropIdle()
	}
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// all returns every cluster. The caller holds mu.
func (s *Set) all() []*Cluster {
	return slices.Concat(slices.Collect(maps.Values(s.named)), s.inlineClusters())
}

// start runs a cluster, if the set itself runs. The caller holds mu for writing.
func (s *Set) start(c *Cluster) {
	switch {
	case s.ended:
		c.close()
		return
	case s.life == nil:
		return
	}
	ctx, stop := context.WithCancel(s.life)
	c.stop = stop
	s.running.Go(func() {
		defer stop()
		c.run(ctx)
	})
	s.running.Go(func() { s.watch(ctx, c) })
}

// end ends a cluster that is no longer in any of the maps. The caller holds mu for writing.
func (s *Set) end(c *Cluster) {
	if c.stop == nil {
		c.close()
		return
	}
	c.stop()
}

// Apply puts a valid configuration in force. Clusters that it leaves as they were
// keep their connections and all that is known of them; changed ones start from nothing, and
// those that it no longer has end, as do clusters that only triggers name and that
// it no longer allows. On an error, a *fault.Error, the old one stays in force.
func (s *Set) Apply(next config.Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	named := make(map[string]*Cluster, len(next.Clusters))
	var opened []*Cluster
	for _, cluster := range next.Clusters {
		what := settings{cluster: cluster, refresh: next.EffectiveRefresh(cluster)}
		if old := s.named[cluster.Name]; old != nil && old.equal(what) {
			named[cluster.Name] = old
			continue
		}
		c, err := s.open(what)
		if err != nil {
			for _, c := range opened {
				c.close()
			}
			return err
		}
		named[cluster.Name] = c
		opened = append(opened, c)
	}
	old := s.named
	s.config, s.named = next, named
	s.allowed.Store(&next.InlineBootstrapServers)
	s.byAddress = make(map[string][]*Cluster, len(named))
	// In the order of the file, so that errors name them in it.
	for _, cluster := range next.Clusters {
		key := addresses(cluster.BootstrapServers)
		s.byAddress[key] = append(s.byAddress[key], named[cluster.Name])
	}
	for name, c := range old {
		if named[name] != c {
			s.end(c)
		}
	}
	for _, c := range opened {
		s.start(c)
	}
	s.recheckInline()
	return nil
}

// idleCheck is how often idle clusters are looked for.
func (s *Set) idleCheck() time.Duration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return max(time.Second, s.config.Refresh.IdleAfter/4)
}

// Connections returns the number of open connections to brokers by cluster.
func (s *Set) Connections() map[string]int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	open := map[string]int{}
	for _, c := range s.all() {
		for _, broker := range c.client.Stats() {
			open[c.Name()] += broker.Open
		}
	}
	return open
}
