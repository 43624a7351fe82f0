package kafka

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// subscribed is what a member writes about itself.
func subscribed(topics ...string) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Topics, m.UserData = topics, []byte("anything")
	return m.AppendTo(nil)
}

func TestTopicsOfMembersAreBounded(t *testing.T) {
	var names topicNamesOf
	var thousand []string
	for i := range 1000 {
		thousand = append(thousand, fmt.Sprint("t", i))
	}
	raw := subscribed(thousand...)
	for i := range maxMemberTopics / 1000 {
		if topics, known := names.subscription("consumer", raw); !known || len(topics) != 1000 {
			t.Fatalf("member %d: %d topics, %v", i, len(topics), known)
		}
	}
	if len(names.held) != 1000 {
		t.Errorf("%d names are held", len(names.held))
	}
	if topics, known := names.subscription("consumer", subscribed("one")); known || topics != nil {
		t.Errorf("one more: %v, %v", topics, known)
	}
	if parts := names.assignment("consumer", assigned("one", 1)); parts != nil {
		t.Errorf("one more: %v", parts)
	}
}

func assigned(topic string, ids ...int32) []byte {
	a := kmsg.NewConsumerMemberAssignment()
	a.Topics = []kmsg.ConsumerMemberAssignmentTopic{{Topic: topic, Partitions: ids}}
	return a.AppendTo(nil)
}

// FuzzMember reads what a member may write about itself.
func FuzzMember(f *testing.F) {
	f.Add(subscribed("a", "b"))
	f.Add(assigned("a", 1, 2))
	f.Add([]byte{0, 0, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var names topicNamesOf
		topics, known := names.subscription("consumer", raw)
		var plain kmsg.ConsumerMemberMetadata
		if plain.ReadFrom(raw) == nil && len(raw) > 0 {
			if !known || strings.Join(topics, ",") != strings.Join(plain.Topics, ",") {
				t.Errorf("%v, %v, want %v", topics, known, plain.Topics)
			}
		}
		total := 0
		for _, p := range names.assignment("consumer", raw) {
			total += len(p.Partitions)
		}
		if total > len(raw) || len(topics) > len(raw) {
			t.Errorf("%d partitions and %d topics of %d bytes", total, len(topics), len(raw))
		}
	})
}
