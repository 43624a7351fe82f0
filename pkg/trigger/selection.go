package trigger

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// Limits of names.
const (
	// maxTopicName is Kafka's own limit, in bytes (Topic.MAX_NAME_LENGTH in Apache Kafka).
	maxTopicName = 249
	// maxGroupID is what fits into the length field of a string in Kafka's protocol, in bytes.
	maxGroupID = 32767
	// maxGroups of one trigger: each is read, and explained, on its own.
	maxGroups = 20
	// maxTopicRegex in bytes and maxRegexProgram in instructions keep one trigger's expression from costing the others
	// memory and time: a{1000} repeated a hundred times is short to write.
	maxTopicRegex   = 1024
	maxRegexProgram = 10_000
)

// MatchTopic reports whether the selection takes in a topic of this name: it is one of Topics, or
// TopicRegex matches all of it, or, where neither is set, always.
//
// Parse compiles the expression once; a Selection written by hand compiles it on every call, and one whose
// expression does not compile matches nothing.
func (s Selection) MatchTopic(name string) bool {
	switch {
	case len(s.Topics) > 0:
		return slices.Contains(s.Topics, name)
	case s.TopicRegex == "":
		return true
	case s.compiled != nil:
		return s.compiled.MatchString(name)
	}
	compiled, complaint := compileTopicRegex(s.TopicRegex)
	return complaint == "" && compiled.MatchString(name)
}

func (p *parser) selection(keda bool) Selection {
	s := Selection{
		ConsumerGroups: p.consumerGroups(keda),
		Topics:         p.topics(keda),
		Partitions:     p.partitionLimitation(keda),
		ReadCommitted:  p.oneOf("isolationLevel") == "read_committed",
		Inspect:        !keda,
	}
	if len(s.ConsumerGroups) > 0 {
		s.ConsumerGroup = s.ConsumerGroups[0]
	}
	if expiry := p.duration("discoveredTopicExpiry", minDiscoveredTopicExpiry, 0); !keda {
		s.DiscoveredTopicExpiry = expiry
	}
	s.TopicRegex, s.compiled = p.topicRegex()
	if !p.namesTopics() {
		s.Partitions = nil
		s.AllTopicsWithoutCommit = keda
	}
	return s
}

// namesTopics reports whether the trigger says which topics it means. KEDA knows `topic` only; our topicRegex is as good as one.
func (p *parser) namesTopics() bool { return p.given("topic") || p.given("topicRegex") }

// consumerGroups returns the groups' ids. A comma may be part of one, and so it is for KEDA, which takes a
// single group; in ours it separates.
func (p *parser) consumerGroups(keda bool) []string {
	const remedy = "write the consumers' group.id"
	value, field, given := p.lookup("consumerGroup")
	if !given {
		p.report(field, "", "is required", remedy+"; KEDA leaves out a FromEnv key whose variable is empty")
		return nil
	}
	groups := []string{value}
	if !keda {
		groups = list(value)
	}
	switch {
	case len(groups) == 0:
		p.report(field, value, "contains no group", remedy)
	case len(groups) > maxGroups:
		p.report(field, value, fmt.Sprintf("names %d groups, at most %d make one metric", len(groups), maxGroups), "split it into several triggers")
		return groups
	}
	seen := make(map[string]bool, len(groups))
	for _, group := range groups {
		switch {
		case seen[group]:
			p.report(field, group, "is named twice", "name each group once")
		case len(group) > maxGroupID:
			p.report(field, group, "is longer than Kafka's protocol allows", remedy)
		case !utf8.ValidString(group) || strings.ContainsFunc(group, unicode.IsControl):
			p.report(field, group, "contains a control character or is not UTF-8", remedy)
		}
		seen[group] = true
	}
	return groups
}

// topics returns the topics named. KEDA's `kafka` trigger knows a single name and does not split it at
// commas; its `apache-kafka` trigger and we do.
func (p *parser) topics(keda bool) []string {
	value, field, given := p.lookup("topic")
	if !given {
		return nil
	}
	if keda {
		if strings.Contains(value, ",") {
			p.report(field, value, "KEDA's kafka trigger takes a single topic", "name one topic, or leave compatibility out")
		} else {
			p.topicName(field, value)
		}
		return []string{value}
	}
	topics := list(value)
	if len(topics) == 0 {
		p.report(field, value, "contains no topic", "name a topic, or leave it out for all topics of the group")
	}
	seen := make(map[string]bool, len(topics))
	for _, topic := range topics {
		if seen[topic] {
			p.report(field, topic, "is named twice", "name each topic once")
			continue
		}
		seen[topic] = true
		p.topicName(field, topic)
	}
	return topics
}

// topicName checks a name by Kafka's own rules (Topic.validate in Apache Kafka).
func (p *parser) topicName(field, topic string) {
	if len(topic) > maxTopicName || topic == "." || topic == ".." || strings.ContainsFunc(topic, isNotNameRune) {
		p.report(field, topic, "is not a name that a topic can have", "write letters, digits, '.', '_' and '-', at most 249; topicRegex takes an expression")
	}
}

func (p *parser) topicRegex() (string, *regexp.Regexp) {
	value, field, given := p.lookup("topicRegex")
	if !given {
		return "", nil
	}
	compiled, complaint := compileTopicRegex(value)
	if complaint != "" {
		p.report(field, value, complaint, `write an RE2 expression for the whole name, such as orders-.*`)
	}
	return value, compiled
}

// compileTopicRegex compiles an expression so that it matches whole names, or says why it cannot.
func compileTopicRegex(expression string) (compiled *regexp.Regexp, complaint string) {
	if len(expression) > maxTopicRegex {
		return nil, "is longer than " + strconv.Itoa(maxTopicRegex) + " bytes"
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, invalidRegex(err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, invalidRegex(err)
	}
	if len(program.Inst) > maxRegexProgram {
		return nil, "is too complex: its repetitions multiply"
	}
	// The parsed form and not the text: an unfinished \Q would swallow what is put behind it.
	compiled, err = regexp.Compile(`\A(?:` + parsed.String() + `)\z`)
	if err != nil {
		return nil, invalidRegex(err)
	}
	return compiled, ""
}

// invalidRegex says what is wrong with an expression without repeating it, which the problem's value does.
func invalidRegex(err error) string {
	if invalid, ok := errors.AsType[*syntax.Error](err); ok {
		return "is not a valid expression: " + invalid.Code.String()
	}
	return "is not a valid expression"
}

// metricName is what KEDA's own triggers call the metric, without their prefix for the trigger's index
// (GetMetricSpecForScaling in kafka_scaler.go and apache_kafka_scaler.go). An expression is no name for a
// metric; the group's id, as for a trigger without topics, stays the same when topics come and go.
//
// A metric that counts seconds has another name than one that counts records, so that neither is taken for the other.
func metricName(s Selection, unit policy.Unit) string {
	name := "kafka-" + strings.Join(s.ConsumerGroups, ",") + "-topics"
	if len(s.Topics) > 0 {
		name = "kafka-" + strings.Join(s.Topics, ",")
	}
	if unit == policy.Seconds {
		name += "-seconds"
	}
	// KEDA's own set (NormalizeString in pkg/util/normalize_string.go). It keeps "/" and "%" out of the HPA's metric path.
	return strings.NewReplacer("/", "-", ".", "-", ":", "-", "%", "-", "(", "-", ")", "-").Replace(name)
}
