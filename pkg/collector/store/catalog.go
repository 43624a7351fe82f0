package store

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// catalog is the list of all topics of the cluster. It is kept only while a query
// needs it.
type catalog struct {
	// topics are those that could be described, by name.
	topics []lag.Topic
	// version changes with every list that differs from the one before.
	version uint64
	// asked is when the newest list was asked for, in the call pending as long as that runs; answered is
	// whether there was ever one, and err why the newest attempt failed.
	asked, pending Stamp
	answered       bool
	err            error
	// failures counts the attempts since the newest good answer.
	failures int
	// charged is what topics is charged for, in bytes. refused is why a list was not taken: for as long, nobody may
	// believe topics to be all.
	charged int
	refused error
	seq     Sequence
}

// What a topic of the list takes in bytes, and each of its partitions, with what the client knows of them.
const (
	listedTopicBytes     = 300
	listedPartitionBytes = 24
)

// again is how long after the newest attempt the list is asked for again: a refresh later after one that failed, and
// then more and more rarely. An answer that cannot be taken may be as long as one can be.
func (s *Store) again() Stamp {
	if l := &s.catalog; l.failures > 0 && l.refused == nil {
		const most = 16
		return min(Stamp(s.opts.Interval)<<min(l.failures-1, most)/2, Stamp(s.opts.TopicsInterval))
	}
	return Stamp(s.opts.TopicsInterval)
}

func bytesOfList(topics []lag.Topic) (n int) {
	for i := range topics {
		n += listedTopicBytes + len(topics[i].Name) + listedPartitionBytes*len(topics[i].Partitions)
	}
	return n
}

// chargeCatalog charges the catalog for so many bytes, or returns why it may not have them.
func (s *Store) chargeCatalog(bytes int) error {
	if err := s.opts.Quota.takeList(bytes - s.catalog.charged); err != nil {
		return exhausted("list the topics of", fmt.Sprintf("cluster %q", s.opts.Cluster), err)
	}
	s.catalog.charged = bytes
	return nil
}

// dropCatalog forgets the list.
func (s *Store) dropCatalog() {
	_ = s.chargeCatalog(0) // giving back always works
	s.catalog = catalog{version: s.catalog.version}
}

// same reports whether a list says the same as the last one.
func (l *catalog) same(topics []lag.Topic) bool {
	return l.answered && slices.EqualFunc(l.topics, topics, func(a, b lag.Topic) bool {
		return a.Name == b.Name && a.ID == b.ID && slices.Equal(a.Partitions, b.Partitions)
	})
}

func (l *catalog) find(name string) (lag.Topic, bool) {
	i, ok := slices.BinarySearchFunc(l.topics, name, func(t lag.Topic, name string) int { return cmp.Compare(t.Name, name) })
	if !ok {
		return lag.Topic{}, false
	}
	return l.topics[i], true
}

// ClaimCatalog reports whether the list of all topics is to be asked for, by those who
// began at a stamp, and marks it as owed by the call.
func (s *Store) ClaimCatalog(u *Union, began, id Stamp) bool {
	l := &s.catalog
	due := l.asked == 0 || id-l.asked >= s.again()
	if l.pending != 0 || !due || l.asked >= began {
		return false
	}
	l.pending, l.asked = id, id
	for _, t := range u.topics {
		// The list describes these as well.
		if _, listed := l.find(t.name); listed && t.describing == 0 && t.err == nil && !t.stale {
			t.asked = id
		}
	}
	return true
}

// ClaimTopics returns the names of the topics that are to be described, by those who
// began at a stamp, and marks them as owed by the call.
func (s *Store) ClaimTopics(u *Union, began, id Stamp) (names []string) {
	for _, t := range u.topics {
		due := t.described == 0 || t.err != nil || t.stale || id-t.asked >= Stamp(s.opts.TopicsInterval)
		if due && t.describing == 0 && t.asked < began {
			t.describing, t.asked = id, id
			names = append(names, t.name)
		}
	}
	return names
}

// TakeTopic takes in what the call says about one topic, and reports whether it owed that.
func (s *Store) TakeTopic(d *lag.Topic, id Stamp) bool {
	t := s.topics[d.Name]
	if t == nil || t.describing != id {
		return false
	}
	s.takeTopic(t, *d, id)
	return true
}

// takeTopic takes in what is said about one topic, asked for at a stamp.
func (s *Store) takeTopic(t *Topic, d lag.Topic, asked Stamp) {
	before, failed := t.missingOrDenied(), t.err != nil
	changed := t.describe(d, asked, s.last)
	if changed {
		s.needsVersion++
	}
	s.note(&t.seq, changed || failed != (t.err != nil))
	switch {
	case !before && t.missingOrDenied():
		s.tell(TopicUnreadable, t.name, t.err)
	case before && t.err == nil:
		s.tell(TopicReadable, t.name, nil)
	}
}

// TakeCatalog takes in the list of all topics that could be described, by name, or why there
// is none, and reports whether the call owed it.
func (s *Store) TakeCatalog(topics []lag.Topic, err error, id Stamp) bool {
	l := &s.catalog
	if l.pending != id {
		return false
	}
	s.note(&l.seq, (l.err == nil) != (err == nil))
	l.pending, l.err = 0, err
	if err != nil {
		l.failures++
		return true
	}
	l.failures = 0
	same, before := l.same(topics), l.refused
	if l.refused = nil; !same {
		l.refused = s.chargeCatalog(bytesOfList(topics))
	}
	s.note(&l.seq, (l.refused == nil) != (before == nil))
	if l.refused != nil {
		l.err = l.refused
		return true
	}
	if !same {
		l.topics, l.answered = topics, true
		l.version++
		s.note(&l.seq, true)
		s.needsVersion++
	}
	for i := range topics {
		if t := s.topics[topics[i].Name]; t != nil && t.describing == 0 {
			s.takeTopic(t, topics[i], id)
		}
	}
	return true
}
