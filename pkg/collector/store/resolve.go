package store

import "slices"

// MaxMatchedTopics is how many topics one regular expression may select. One that matches more means other
// topics than whoever wrote it thought of, and would have each of them read every second.
const MaxMatchedTopics = 1000

// mayList reports whether the query can ever need the list of all topics.
func (sub *Subscription) mayList() bool {
	return sub.TopicRegex != "" || sub.AllTopicsWithoutCommit && sub.discovers()
}

// lists reports whether the query needs the list of all topics now.
func (sub *Subscription) lists() bool {
	if sub.TopicRegex != "" {
		return true
	}
	return sub.mayList() && sub.group.answered != 0 && len(sub.wantedTopics()) == 0
}

// resolve brings the subscription's topics up to date.
func (s *Store) resolve(sub *Subscription, now Stamp) {
	if sub.refused != nil && now < sub.retry {
		return
	}
	switch {
	case len(sub.Topics) > 0:
		// As for every list, whoever named a topic keeps it when it is gone, to be told so.
		s.follow(sub, sub.Topics, now)
	case sub.TopicRegex != "":
		s.resolveRegex(sub, now)
	default:
		s.resolveDiscovered(sub, now)
	}
}

// resolveRegex adds the topics that match now and drops those that are gone for
// certain. One that a list leaves out is asked for by name until then: a broker
// that has just started may list less than there is.
func (s *Store) resolveRegex(sub *Subscription, now Stamp) {
	names := s.remaining(sub)
	if x, _ := s.matched(sub); sub.catalog != x.version {
		sub.catalog = x.version
		s.note(&sub.seq, true)
		for _, name := range x.names {
			if at, known := slices.BinarySearch(names, name); !known {
				names = slices.Insert(names, at, name)
			}
		}
		sub.matched = max(len(names), x.matched)
	}
	if sub.matched > MaxMatchedTopics {
		names = nil
	}
	s.follow(sub, names, now)
}

// remaining returns the names of the subscription's topics that are not gone.
func (s *Store) remaining(sub *Subscription) (names []string) {
	names = make([]string, 0, len(sub.selected))
	for _, gt := range sub.selected {
		if gt.topic.gone {
			continue
		}
		names = append(names, gt.topic.name)
	}
	return names
}

func (s *Store) resolveDiscovered(sub *Subscription, now Stamp) {
	g := sub.group
	g.discovered = slices.DeleteFunc(g.discovered, func(name string) bool {
		t := s.topics[name]
		return t != nil && t.gone
	})
	if wanted := sub.wantedTopics(); len(wanted) > 0 || !sub.lists() {
		s.follow(sub, wanted, now)
		return
	}
	// Once all topics count, one that a list leaves out stays until it is gone for certain.
	names := s.remaining(sub)
	for i := range s.catalog.topics {
		name := s.catalog.topics[i].Name
		if at, known := slices.BinarySearch(names, name); !known {
			names = slices.Insert(names, at, name)
		}
	}
	s.follow(sub, names, now)
}

// follow makes the named topics those of the subscription, if it may have them.
func (s *Store) follow(sub *Subscription, names []string, now Stamp) {
	if s.admit(sub, names, now) != nil {
		return
	}
	if slices.EqualFunc(sub.selected, names, func(gt *GroupTopic, name string) bool { return gt.topic.name == name }) {
		return
	}
	before := sub.selected
	sub.selected = make([]*GroupTopic, len(names))
	for i, name := range names {
		sub.selected[i] = sub.group.topic(sub.isolation, s.topic(name))
		sub.selected[i].users++
	}
	for _, gt := range before {
		gt.users--
		s.untidy = true
	}
	s.note(&sub.seq, true)
}
