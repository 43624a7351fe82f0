package collector

import (
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// calmRounds is how many refreshes in a row must have brought nothing new before an
// entry may sleep.
const calmRounds = 2

// calm is what the refresh remembers of an entry from one round to the next. Only
// the goroutine of the refresh uses it.
type calm struct {
	// changed is the publication of its newest change, as of the last round, and rounds how many have passed
	// since then.
	changed uint64
	rounds  int
	// member is the version of the entries of those awake that it belongs to.
	member uint64
}

// note takes in the publication of the newest change, once a round.
func (k *calm) note(changed uint64) {
	k.rounds++
	if changed != k.changed {
		k.changed, k.rounds = changed, 0
	}
}

// asleep reports whether the entry needs no more than a rare look: its streams are
// inactive, brokers hold a request open for every partition that it selects, and
// nothing about it has changed for a while or is wrong. A record then wakes it, and
// what no wait can tell, a commit that somebody moves by hand above all, is found by
// the rare look. The caller holds mu.
func (c *Collector) asleep(e *entry) bool {
	return c.push != nil && e.calm.rounds >= calmRounds && e.idle.awaited.Load() && e.idle.wanted(c.now()) &&
		// Otherwise its numbers might become too old between two looks.
		stamp(e.MaxAge) >= 2*stamp(c.opts.SleepInterval) && c.isWell(e)
}

// isWell reports whether the newest read of everything that the entry selects went
// well, and whether nothing of it changes by the passing of time alone. The caller
// holds mu.
func (c *Collector) isWell(e *entry) bool {
	if e.group.err != nil || e.mayList() && c.catalog.err != nil {
		return false
	}
	for _, tr := range e.tracked {
		ageing := e.Ages && (len(tr.ages) > 0 || tr.searching > 0)
		if ageing || tr.ahead > 0 || tr.topic.err != nil || anyErr(tr.errs) || anyErr(tr.topic.logs[tr.kind].errs) {
			return false
		}
	}
	return true
}

func anyErr(errs []error) bool {
	for _, err := range errs {
		if err != nil {
			return true
		}
	}
	return false
}

// noteAwaited brings up to date which of the entries are waited for as a whole.
func (p *push) noteAwaited(idle []*entry) {
	p.c.mu.RLock()
	defer p.c.mu.RUnlock()
	for _, e := range idle {
		e.idle.awaited.Store(p.awaits(e))
	}
}

// awaits reports whether every partition that the entry selects is in a wait, or
// between one and the next. The collector's mu is held for reading.
func (p *push) awaits(e *entry) bool {
	for _, tr := range e.tracked {
		wt := p.topics[waitKey{tr.topic.name, tr.kind}]
		if wt == nil || wt.life != tr.topic.life {
			return false
		}
		if e.Partitions == nil && wt.looked == p.passes {
			if !wt.awaited {
				return false
			}
			continue
		}
		awaited := p.awaitsAll(wt, tr.topic, e.Partitions)
		if e.Partitions == nil {
			wt.looked, wt.awaited = p.passes, awaited
		}
		if !awaited {
			return false
		}
	}
	return len(e.tracked) > 0
}

// awaitsAll is awaits of one topic.
func (p *push) awaitsAll(wt *waitTopic, t *topic, selected trigger.PartitionSet) bool {
	for _, id := range t.ids {
		if selected.Contains(id) && !p.isAwaited(wt, id) {
			return false
		}
	}
	return true
}

func (p *push) isAwaited(wt *waitTopic, id int32) bool {
	if int(id) >= len(wt.parts) || wt.parts[id] == nil {
		return false
	}
	part := wt.parts[id]
	return part.shard != nil || part.renewing == p.passes
}

// disturb has those who listen to a topic refreshed at the usual pace until a pass
// finds all of their partitions in a wait again.
func (p *push) disturb(topic string, kind lag.Position) {
	wt := p.topics[waitKey{topic, kind}]
	if wt == nil {
		return
	}
	for _, e := range wt.listeners {
		e.idle.awaited.Store(false)
	}
}
