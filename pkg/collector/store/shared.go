package store

import "github.com/kafka-scaler/kafka-scaler/pkg/lag"

// sharedDone is how many records behind a share group's position it has finished out of order.
type sharedDone struct {
	offset, done int64
}

// takeDone takes in how many records a share group says are left. The log end that
// this is compared with was read before, so that what has come since does not
// count as done.
func (tr *Tracked) takeDone(cm *lag.Commit) {
	if !cm.Counted {
		if len(tr.done) > 0 {
			delete(tr.done, cm.Partition)
		}
		return
	}
	end := tr.topic.logs[tr.kind].at(cm.Partition)
	if end.asked == 0 {
		return
	}
	if tr.done == nil {
		tr.done = map[int32]sharedDone{}
	}
	tr.done[cm.Partition] = sharedDone{offset: cm.Offset, done: max(0, end.offset-cm.Offset-cm.Left)}
}

// doneBehind is how many records behind the commit are certainly done.
func (tr *Tracked) doneBehind(id int32, committed int64) int64 {
	if d, ok := tr.done[id]; ok && d.offset == committed {
		return d.done
	}
	return 0
}
