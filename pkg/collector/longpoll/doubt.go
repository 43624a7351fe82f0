package longpoll

import (
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// A wait brings the beginning of what is new in a log. Where that is markers and
// aborted records only, nobody is to be woken for it; where it may be more, nobody
// may sleep on.

// doubt makes a wake that may be none a matter of the refresh: what the broker showed of the new offsets is
// markers and aborted records, but it did not show all of them. The refresh looks at the rest before it tells
// anybody; where some of those who wait get such records, or it cannot look, they are told all the same.
func (p *Poller) doubt(s *shard) {
	for i := range s.wakes {
		w := &s.wakes[i]
		if w.Reason != lag.WakeGrown || !w.Seen.Taken || w.Seen.Record || w.Seen.Empty {
			continue
		}
		wt := p.topics[waitKey{w.Topic, s.kind}]
		if wt != nil && !slices.ContainsFunc(wt.listeners, func(e *store.Entry) bool { return !e.Inspect }) {
			w.Reason = lag.WakeUnclear
		}
	}
}
