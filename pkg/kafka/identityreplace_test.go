package kafka

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Another cluster counts as the successor once the old one has been silent for long enough, and not before.
func TestIdentity(t *testing.T) {
	now := time.Now()
	i := newIdentity()
	steps := []struct {
		after    time.Duration
		id       string
		answered bool
		refused  bool
		replaced bool
	}{
		{id: ""},
		{id: "blue"},
		{after: time.Second, id: ""},
		{after: time.Second, id: "green", refused: true},
		{after: replacedAfter - time.Second, id: "blue"},
		{after: replacedAfter - time.Second, id: "green", refused: true},
		{after: time.Hour, answered: true},
		{after: replacedAfter - 1, id: "green", refused: true},
		{after: 1, id: "green", refused: true, replaced: true},
		{after: time.Second, id: "blue", replaced: true},
	}
	for n, s := range steps {
		now = now.Add(s.after)
		if s.answered {
			i.agree(now)
			continue
		}
		err := i.check(s.id, "kafka:9092", now)
		if (err != nil) != s.refused || (s.refused && fault.KindOf(err) != fault.Precondition) {
			t.Errorf("step %d: %v", n, err)
		}
		select {
		case <-i.replaced:
			if !s.replaced {
				t.Errorf("step %d: replaced", n)
			}
		default:
			if s.replaced {
				t.Errorf("step %d: not replaced", n)
			}
		}
	}
	if i.known() != "blue" {
		t.Errorf("the id is %q", i.known())
	}
}
