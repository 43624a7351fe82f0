package collector

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// maxMatchedTopics is how many topics one regular expression may select. One that matches more means other
// topics than whoever wrote it thought of, and would have each of them read every second.
const maxMatchedTopics = 1000

// catalog is the list of all topics of the cluster. It is kept only while a query
// needs it.
type catalog struct {
	// topics are those that could be described, by name.
	topics []lag.Topic
	// version changes with every list that differs from the one before.
	version uint64
	// asked is when the newest list was asked for, in the call pending as long as that runs; answered is
	// whether there was ever one, and err why the newest attempt failed.
	asked, pending stamp
	answered       bool
	err            error
	// failures counts the attempts since the newest good answer.
	failures int
	// charged is what topics is charged for, in bytes. refused is why a list was not taken: for as long, nobody may
	// believe topics to be all.
	charged int
	refused error
	seq     sequence
}

// What a topic of the list takes in bytes, and each of its partitions, with what the client knows of them.
const (
	listedTopicBytes     = 300
	listedPartitionBytes = 24
)

// again is how long after the newest attempt the list is asked for again: a refresh later after one that failed, and
// then more and more rarely. An answer that cannot be taken may be as long as one can be.
func (c *Collector) again() stamp {
	if l := &c.catalog; l.failures > 0 && l.refused == nil {
		const most = 16
		return min(stamp(c.opts.Interval)<<min(l.failures-1, most)/2, stamp(c.opts.TopicsInterval))
	}
	return stamp(c.opts.TopicsInterval)
}

func bytesOfList(topics []lag.Topic) (n int) {
	for i := range topics {
		n += listedTopicBytes + len(topics[i].Name) + listedPartitionBytes*len(topics[i].Partitions)
	}
	return n
}

// chargeCatalog charges the catalog for so many bytes, or returns why it may not have them. The caller holds mu.
func (c *Collector) chargeCatalog(bytes int) error {
	if err := c.opts.Quota.takeList(bytes - c.catalog.charged); err != nil {
		return exhausted("list the topics of", fmt.Sprintf("cluster %q", c.opts.Cluster), err)
	}
	c.catalog.charged = bytes
	return nil
}

// dropCatalog forgets the list. The caller holds mu.
func (c *Collector) dropCatalog() {
	_ = c.chargeCatalog(0) // giving back always works
	c.catalog = catalog{version: c.catalog.version}
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

// mayList reports whether the query can ever need the list of all topics.
func (e *entry) mayList() bool {
	return e.TopicRegex != "" || e.AllTopicsWithoutCommit && e.discovers()
}

// lists reports whether the query needs the list of all topics now.
func (e *entry) lists() bool {
	if e.TopicRegex != "" {
		return true
	}
	return e.mayList() && e.group.answered != 0 && len(e.wantedTopics()) == 0
}

// resolve brings the entry's topics up to date. The caller holds mu.
func (c *Collector) resolve(e *entry) {
	if e.refused != nil && c.now() < e.retry {
		return
	}
	switch {
	case len(e.Topics) > 0:
		// As for every list, whoever named a topic keeps it when it is gone, to be told so.
		c.follow(e, e.Topics)
	case e.TopicRegex != "":
		c.resolveRegex(e)
	default:
		c.resolveFound(e)
	}
}

// resolveRegex adds the topics that match now and drops those that are gone for
// certain. One that a list leaves out is asked for by name until then: a broker
// that has just started may list less than there is.
func (c *Collector) resolveRegex(e *entry) {
	names := c.remaining(e)
	if x, _ := c.matched(e); e.catalog != x.version {
		e.catalog = x.version
		c.note(&e.seq, true)
		for _, name := range x.names {
			if at, known := slices.BinarySearch(names, name); !known {
				names = slices.Insert(names, at, name)
			}
		}
		e.matched = max(len(names), x.matched)
	}
	if e.matched > maxMatchedTopics {
		names = nil
	}
	c.follow(e, names)
}

// remaining returns the names of the entry's topics that are not gone.
func (c *Collector) remaining(e *entry) (names []string) {
	names = make([]string, 0, len(e.tracked))
	for _, tr := range e.tracked {
		if tr.topic.gone {
			continue
		}
		names = append(names, tr.topic.name)
	}
	return names
}

func (c *Collector) resolveFound(e *entry) {
	g := e.group
	g.found = slices.DeleteFunc(g.found, func(name string) bool {
		t := c.topics[name]
		return t != nil && t.gone
	})
	if wanted := e.wantedTopics(); len(wanted) > 0 || !e.lists() {
		c.follow(e, wanted)
		return
	}
	// Once all topics count, one that a list leaves out stays until it is gone for certain.
	names := c.remaining(e)
	for i := range c.catalog.topics {
		name := c.catalog.topics[i].Name
		if at, known := slices.BinarySearch(names, name); !known {
			names = slices.Insert(names, at, name)
		}
	}
	c.follow(e, names)
}

// follow makes the named topics those of the entry, if it may have them. The caller holds mu.
func (c *Collector) follow(e *entry, names []string) {
	if c.admit(e, names) != nil {
		return
	}
	if slices.EqualFunc(e.tracked, names, func(tr *tracked, name string) bool { return tr.topic.name == name }) {
		return
	}
	before := e.tracked
	e.tracked = make([]*tracked, len(names))
	for i, name := range names {
		e.tracked[i] = e.group.track(e.kind, c.topic(name))
		e.tracked[i].users++
	}
	for _, tr := range before {
		tr.users--
		c.untidy = true
	}
	c.note(&e.seq, true)
}
