package history

import (
	"cmp"
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// places say where each partition stands in an observation. Those that come later come at the end, so that the others
// keep their places.
type places struct {
	runs []run
	n    int
}

// run are partitions of one topic with ids and places in a row: nearly always all of a topic.
type run struct {
	topic       string
	first, last int32 // ids
	place       int   // of the first
}

// arrange takes in which partitions there are, by topic and id, and reports whether some are gone: then all places are
// given out again.
func (ps *places) arrange(parts []lag.Partition) (again bool) {
	switch added, gone := ps.compare(parts); {
	case gone:
		*ps = places{}
		ps.add(parts, nil)
		return true
	case added > 0:
		ps.add(parts, ps.runs)
	}
	return false
}

// compare returns how many of the partitions have no place, and whether a place has no partition.
func (ps *places) compare(parts []lag.Partition) (added int, gone bool) {
	met := 0
	w := ps.walk()
	for i := range parts {
		if w.next(&parts[i].TopicPartition) < 0 {
			added++
		} else {
			met++
		}
	}
	return added, met < ps.n
}

// add gives places to those partitions that have none among known.
func (ps *places) add(parts []lag.Partition, known []run) {
	old := walk{runs: known}
	runs := make([]run, 0, len(known)+1)
	for i := range parts {
		tp := &parts[i].TopicPartition
		place := old.next(tp)
		if place < 0 {
			place = ps.n
			ps.n++
		}
		if n := len(runs) - 1; n >= 0 && runs[n].continues(tp, place) {
			runs[n].last = tp.Partition
			continue
		}
		runs = append(runs, run{topic: tp.Topic, first: tp.Partition, last: tp.Partition, place: place})
	}
	ps.runs = slices.Clip(runs)
}

func (r *run) continues(tp *lag.TopicPartition, place int) bool {
	return r.topic == tp.Topic && r.last+1 == tp.Partition && r.placeOf(r.last)+1 == place
}

func (r *run) placeOf(id int32) int { return r.place + int(id-r.first) }

// before reports whether the run ends before a partition.
func (r *run) before(topic string, id int32) bool {
	return cmp.Or(cmp.Compare(r.topic, topic), cmp.Compare(r.last, id)) < 0
}

// find returns the place of a partition, or -1.
func (ps *places) find(topic string, id int32) int {
	i, _ := slices.BinarySearchFunc(ps.runs, id, func(r run, id int32) int {
		if r.before(topic, id) {
			return -1
		}
		return 1
	})
	w := walk{runs: ps.runs[i:]}
	return w.next(&lag.TopicPartition{Topic: topic, Partition: id})
}

// has reports whether some partition of a topic has a place.
func (ps *places) has(topic string) bool {
	_, found := slices.BinarySearchFunc(ps.runs, topic, func(r run, topic string) int { return cmp.Compare(r.topic, topic) })
	return found
}

// walk finds the places of partitions that come by topic and id.
type walk struct{ runs []run }

func (ps *places) walk() walk { return walk{runs: ps.runs} }

// next returns the place of the next partition, or -1.
func (w *walk) next(tp *lag.TopicPartition) int {
	for len(w.runs) > 0 && w.runs[0].before(tp.Topic, tp.Partition) {
		w.runs = w.runs[1:]
	}
	if len(w.runs) == 0 || w.runs[0].topic != tp.Topic || w.runs[0].first > tp.Partition {
		return -1
	}
	return w.runs[0].placeOf(tp.Partition)
}
