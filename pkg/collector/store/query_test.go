package store

import (
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestNewQueries(t *testing.T) {
	several := NewQueries(trigger.Selection{ConsumerGroup: "a", ConsumerGroups: []string{"a", "b"}, Topics: []string{"t"}}, time.Second, "shop")
	if len(several) != 2 || several[0].ConsumerGroup != "a" || several[1].Namespace != "shop" || several[1].ConsumerGroup != "b" || several[0].key == several[1].key {
		t.Errorf("got %+v", several)
	}
	one := NewQueries(trigger.Selection{ConsumerGroup: "a", ConsumerGroups: []string{"a"}, Topics: []string{"t"}}, time.Second, "shop")
	if len(one) != 1 || one[0].key != several[0].key {
		t.Error("the same group of another trigger is another query")
	}
}
