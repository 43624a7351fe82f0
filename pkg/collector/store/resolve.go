package store

import "slices"

// MaxMatchedTopics is how many topics one regular expression may select. One that matches more means other
// topics than whoever wrote it thought of, and would have each of them read every second.
const MaxMatchedTopics = 1000

// mayList reports whether the query can ever need the list of all topics.
func (e *Entry) mayList() bool {
	return e.TopicRegex != "" || e.AllTopicsWithoutCommit && e.discovers()
}

// lists reports whether the query needs the list of all topics now.
func (e *Entry) lists() bool {
	if e.TopicRegex != "" {
		return true
	}
	return e.mayList() && e.group.answered != 0 && len(e.wantedTopics()) == 0
}

// resolve brings the entry's topics up to date.
func (s *Store) resolve(e *Entry, now Stamp) {
	if e.refused != nil && now < e.retry {
		return
	}
	switch {
	case len(e.Topics) > 0:
		// As for every list, whoever named a topic keeps it when it is gone, to be told so.
		s.follow(e, e.Topics, now)
	case e.TopicRegex != "":
		s.resolveRegex(e, now)
	default:
		s.resolveFound(e, now)
	}
}

// resolveRegex adds the topics that match now and drops those that are gone for
// certain. One that a list leaves out is asked for by name until then: a broker
// that has just started may list less than there is.
func (s *Store) resolveRegex(e *Entry, now Stamp) {
	names := s.remaining(e)
	if x, _ := s.matched(e); e.catalog != x.version {
		e.catalog = x.version
		s.note(&e.seq, true)
		for _, name := range x.names {
			if at, known := slices.BinarySearch(names, name); !known {
				names = slices.Insert(names, at, name)
			}
		}
		e.matched = max(len(names), x.matched)
	}
	if e.matched > MaxMatchedTopics {
		names = nil
	}
	s.follow(e, names, now)
}

// remaining returns the names of the entry's topics that are not gone.
func (s *Store) remaining(e *Entry) (names []string) {
	names = make([]string, 0, len(e.tracked))
	for _, tr := range e.tracked {
		if tr.topic.gone {
			continue
		}
		names = append(names, tr.topic.name)
	}
	return names
}

func (s *Store) resolveFound(e *Entry, now Stamp) {
	g := e.group
	g.found = slices.DeleteFunc(g.found, func(name string) bool {
		t := s.topics[name]
		return t != nil && t.gone
	})
	if wanted := e.wantedTopics(); len(wanted) > 0 || !e.lists() {
		s.follow(e, wanted, now)
		return
	}
	// Once all topics count, one that a list leaves out stays until it is gone for certain.
	names := s.remaining(e)
	for i := range s.catalog.topics {
		name := s.catalog.topics[i].Name
		if at, known := slices.BinarySearch(names, name); !known {
			names = slices.Insert(names, at, name)
		}
	}
	s.follow(e, names, now)
}

// follow makes the named topics those of the entry, if it may have them.
func (s *Store) follow(e *Entry, names []string, now Stamp) {
	if s.admit(e, names, now) != nil {
		return
	}
	if slices.EqualFunc(e.tracked, names, func(tr *Tracked, name string) bool { return tr.topic.name == name }) {
		return
	}
	before := e.tracked
	e.tracked = make([]*Tracked, len(names))
	for i, name := range names {
		e.tracked[i] = e.group.track(e.kind, s.topic(name))
		e.tracked[i].users++
	}
	for _, tr := range before {
		tr.users--
		s.untidy = true
	}
	s.note(&e.seq, true)
}
