package store

import "github.com/kafka-scaler/kafka-scaler/pkg/lag"

// sharedDone is how many records behind a share group's position it has finished out of order.
type sharedDone struct {
	offset, done int64
}

// takeDone takes in how many records a share group says are left. The log end that
// this is compared with was read before, so that what has come since does not
// count as done.
func (gt *GroupTopic) takeDone(cm *lag.Commit) {
	if !cm.Counted {
		if len(gt.done) > 0 {
			delete(gt.done, cm.Partition)
		}
		return
	}
	end := gt.topic.logs[gt.isolation].at(cm.Partition)
	if end.asked == 0 {
		return
	}
	if gt.done == nil {
		gt.done = map[int32]sharedDone{}
	}
	gt.done[cm.Partition] = sharedDone{offset: cm.Offset, done: max(0, end.offset-cm.Offset-cm.Left)}
}

// doneBehind is how many records behind the commit are certainly done.
func (gt *GroupTopic) doneBehind(id int32, committed int64) int64 {
	if d, ok := gt.done[id]; ok && d.offset == committed {
		return d.done
	}
	return 0
}
