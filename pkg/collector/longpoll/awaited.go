package longpoll

import (
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// noteAwaited brings up to date which of the entries are waited for as a whole.
func (p *Poller) noteAwaited(idle []*store.Entry) {
	p.Read(func(*store.Store, store.Stamp) {
		for _, e := range idle {
			p.sleepers.note(e, p.awaits(e))
		}
	})
}

// awaits reports whether every partition that the entry selects is in a wait, or
// between one and the next. It is called within Read.
func (p *Poller) awaits(e *store.Entry) bool {
	for _, tr := range e.Tracked() {
		wt := p.topics[waitKey{tr.Topic().Name(), tr.Kind()}]
		if wt == nil || wt.life != tr.Topic().Life() {
			return false
		}
		if e.Partitions == nil && wt.looked == p.passes {
			if !wt.awaited {
				return false
			}
			continue
		}
		awaited := p.awaitsAll(wt, tr.Topic(), e.Partitions)
		if e.Partitions == nil {
			wt.looked, wt.awaited = p.passes, awaited
		}
		if !awaited {
			return false
		}
	}
	return len(e.Tracked()) > 0
}

// awaitsAll is awaits of one topic.
func (p *Poller) awaitsAll(wt *waitTopic, t *store.Topic, selected trigger.PartitionSet) bool {
	for _, id := range t.IDs() {
		if selected.Contains(id) && !p.isAwaited(wt, id) {
			return false
		}
	}
	return true
}

func (p *Poller) isAwaited(wt *waitTopic, id int32) bool {
	if int(id) >= len(wt.parts) || wt.parts[id] == nil {
		return false
	}
	part := wt.parts[id]
	return part.shard != nil || part.renewing == p.passes
}

// disturb has those who listen to a topic refreshed at the usual pace until a pass
// finds all of their partitions in a wait again.
func (p *Poller) disturb(topic string, kind lag.Position) {
	wt := p.topics[waitKey{topic, kind}]
	if wt == nil {
		return
	}
	for _, e := range wt.listeners {
		p.sleepers.note(e, false)
	}
}
