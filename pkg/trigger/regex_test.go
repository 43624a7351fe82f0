package trigger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func parseRegex(expression string) (*trigger.Trigger, error) {
	return trigger.Parse(map[string]string{"cluster": "c", "consumerGroup": "g", "topicRegex": expression})
}

// names is an alternative of n names of topics.
func names(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "|service-%d", i)
	}
	return b.String()[1:]
}

func TestRegexesThatPeopleWrite(t *testing.T) {
	for _, expression := range []string{
		"orders-.*", ".*", `.*\.orders\.(v1|v2)`, `(?i)prod\.(eu|us|ap)-(west|east)-[0-9]\.[a-z0-9_-]+\.events`,
		".*orders.*retry.*", "[a-z]{1,63}(-[a-z0-9]{1,63}){0,3}", names(90), ".*-(" + names(25) + ")(-dlq)?", `\w+-\d{4}-\d{2}-\d{2}`,
		"[^_].{0,200}", strings.Repeat("a", 249),
	} {
		if _, err := parseRegex(expression); err != nil {
			t.Errorf("%q: %v", expression, err)
		}
	}
}

func TestRegexesThatCostTooMuch(t *testing.T) {
	for _, expression := range []string{
		"(?:.?.?.?.?){1000}Z", "(?:.?.?.?.?){200}Z", "a{1000}b{1000}", "(?:" + strings.Repeat("a", 1000) + "){1000}",
		"(.*a){200}", "(?:(?:a?){100}b?){10}",
	} {
		_, err := parseRegex(expression)
		if err == nil || !strings.Contains(err.Error(), "is too complex: its repetitions, .* among them, multiply") {
			t.Errorf("%q: %v", expression, err)
		}
	}
	if _, err := parseRegex(strings.Repeat("a", 1025)); err == nil || !strings.Contains(err.Error(), "is longer than 1024 bytes") {
		t.Errorf("1025 bytes: %v", err)
	}
}

// dearest are expressions that are just accepted, and match as slowly as those can.
func dearest() map[string]string {
	return map[string]string{
		"optional":    "(?:.?){160}Z",
		"overlapping": "(?:.*.*){33}Z",
		"loops":       "(?:[a-z]*.?){33}Z",
	}
}

// BenchmarkMatchTopic is what the bound on the steps of a match means in time: the longest name there can be.
func BenchmarkMatchTopic(b *testing.B) {
	name := strings.Repeat("a", 249)
	expressions := dearest()
	expressions["usual"] = `prod\.(eu|us)-[0-9]\.[a-z0-9_-]+\.events`
	for kind, expression := range expressions {
		b.Run(kind, func(b *testing.B) {
			parsed, err := parseRegex(expression)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				parsed.Selection.MatchTopic(name)
			}
		})
	}
}

// The expressions of the benchmark are close to the bound.
func TestDearestRegexesAreAtTheBound(t *testing.T) {
	for kind, expression := range dearest() {
		if _, err := parseRegex(expression); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		more := strings.Replace(expression, "{", "{1", 1)
		if _, err := parseRegex(more); err == nil {
			t.Errorf("%s: %q is accepted too", kind, more)
		}
	}
}
