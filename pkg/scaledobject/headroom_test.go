package scaledobject

import (
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// TestMemoryThatIsInUse: new triggers wait for room, known ones are answered.
func TestMemoryThatIsInUse(t *testing.T) {
	r := newTestRegistry(&seen{})
	var live, allocated uint64
	r.headroom = headroom{limit: 1000, used: func() (uint64, uint64) { return live, allocated }}
	if err := r.Get(ref("known")).Err(); err != nil {
		t.Fatalf("with room: %v", err)
	}
	for name, used := range map[string][2]uint64{"live": {500, 500}, "allocated": {100, 850}} {
		live, allocated = used[0], used[1]
		if err := r.Get(ref("new")).Err(); fault.KindOf(err) != fault.Exhausted || err == nil {
			t.Errorf("%s: a new trigger got %v, want exhausted", name, err)
		}
		if err := r.Look(ref("new")).Err(); fault.KindOf(err) != fault.Exhausted || err == nil {
			t.Errorf("%s: looking at a new trigger got %v, want exhausted", name, err)
		}
		if err := r.Get(ref("known")).Err(); err != nil {
			t.Errorf("%s: a trigger that is known got %v", name, err)
		}
	}
	live, allocated = 490, 840
	if err := r.Get(ref("new")).Err(); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestHeadroomOfTheProcess(t *testing.T) {
	if err := headroomWithin(0).check(Ref{}); err != nil {
		t.Errorf("any number of bytes is too few: %v", err)
	}
	if err := headroomWithin(1 << 50).check(Ref{}); err != nil {
		t.Errorf("a petabyte is too little: %v", err)
	}
	if _, allocated := heapInUse(); allocated == 0 {
		t.Error("the Go runtime says that nothing is in use")
	}
	if err := headroomWithin(1000).check(Ref{}); err == nil {
		t.Error("a kilobyte is enough")
	}
}
