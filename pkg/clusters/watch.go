package clusters

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

// mergeGrace is for how long a cluster whose names another one has taken over still answers the calls that it has.
const mergeGrace = 10 * time.Second

// watch follows what a cluster says about its identity.
func (s *Set) watch(ctx context.Context, c *Cluster) {
	identified := c.client.Identified()
	if !c.inline {
		identified = nil
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-identified:
			identified = nil
			s.share(c)
		case <-c.merged:
			pace.Sleep(ctx, mergeGrace)
			s.mu.Lock()
			s.end(c)
			s.mu.Unlock()
			return
		case <-c.client.Replaced():
			s.replace(c)
			return
		}
	}
}

// share makes one of two clusters that only triggers name, where both turn out to be the same.
func (s *Set) share(c *Cluster) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := c.client.ClusterID()
	for _, other := range s.inlineClusters() {
		if other == c || id == "" || other.client.ClusterID() != id || other.cluster.TLS != c.cluster.TLS {
			continue
		}
		c.log.Info("addresses lead to a cluster that is watched already", zap.String("clusterID", id), zap.String("watchedAs", other.Name()))
		for _, n := range s.inline {
			if n.cluster == c {
				n.cluster = other
			}
		}
		close(c.merged)
		return
	}
}

// replace starts from nothing with a cluster whose place another one has taken: nothing that is known of the old one
// holds for the new.
func (s *Set) replace(c *Cluster) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.log.Warn("another cluster answers at these addresses; what was known of the old one is dropped", zap.String("oldClusterID", c.client.ClusterID()))
	if c.inline {
		s.dropNames(func(n *name) bool { return n.cluster == c })
		return
	}
	if s.named[c.Name()] != c {
		return
	}
	next, err := s.open(c.settings)
	if err != nil {
		c.log.Error("the cluster cannot be read anew", zap.Error(err))
		return
	}
	s.named[c.Name()] = next
	for _, configured := range s.byAddress {
		if i := slices.Index(configured, c); i >= 0 {
			configured[i] = next
		}
	}
	s.end(c)
	s.start(next)
}
