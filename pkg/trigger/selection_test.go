package trigger_test

import (
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestMatchTopic(t *testing.T) {
	for _, tc := range []struct {
		name      string
		selection trigger.Selection
		yes, no   []string
	}{
		{"no topic named", trigger.Selection{}, []string{"orders", "x"}, nil},
		{"named", trigger.Selection{Topics: []string{"orders", "refunds"}}, []string{"orders", "refunds"}, []string{"order", "orders-eu", "ORDERS"}},
		{"the whole name", trigger.Selection{TopicRegex: "orders"}, []string{"orders"}, []string{"orders-eu", "my-orders", "order"}},
		{"alternatives", trigger.Selection{TopicRegex: "a|ab"}, []string{"a", "ab"}, []string{"abc", "b", "xa"}},
		{"own anchors", trigger.Selection{TopicRegex: "^orders-.*$"}, []string{"orders-eu"}, []string{"orders", "my-orders-eu"}},
		{"flags", trigger.Selection{TopicRegex: "(?im)ORDERS$"}, []string{"orders", "Orders"}, []string{"orders2"}},
		// \Q without \E quotes to the end of the expression, not beyond it.
		{"unfinished quotation", trigger.Selection{TopicRegex: `\Qorders.v2`}, []string{"orders.v2"}, []string{"orders-v2", "orders.v2)", "orders.v2)\\z"}},
		{"does not compile", trigger.Selection{TopicRegex: "orders("}, nil, []string{"orders", "orders("}},
		{"does not compile by itself", trigger.Selection{TopicRegex: "a)|(b"}, nil, []string{"a", "b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			checkMatches(t, tc.selection, tc.yes, tc.no)
		})
	}
}

// TestMatchTopicParsed checks that the expression that Parse compiles is the one that a Selection written by hand has.
func TestMatchTopicParsed(t *testing.T) {
	parsed, err := trigger.Parse(map[string]string{"cluster": "c", "consumerGroup": "g", "topicRegex": "orders-(eu|us)"})
	if err != nil {
		t.Fatal(err)
	}
	checkMatches(t, parsed.Selection, []string{"orders-eu", "orders-us"}, []string{"orders-", "orders-eu2", "x-orders-eu"})
	if allocs := testing.AllocsPerRun(10, func() { parsed.Selection.MatchTopic("orders-eu") }); allocs > 0 {
		t.Errorf("a match allocates %v times: the expression is compiled again", allocs)
	}
}

func checkMatches(t *testing.T, s trigger.Selection, yes, no []string) {
	t.Helper()
	for _, topic := range yes {
		if !s.MatchTopic(topic) {
			t.Errorf("%q does not match", topic)
		}
	}
	for _, topic := range no {
		if s.MatchTopic(topic) {
			t.Errorf("%q matches", topic)
		}
	}
}
