package trigger

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
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
	p.checkGroupTopics(&s)
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
		groups = p.list(field, value, maxGroups, "groups")
	}
	if len(groups) == 0 {
		p.report(field, value, "contains no group", remedy)
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
	topics := p.list(field, value, maxTopics, "topics")
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

// metricName is what KEDA's own triggers call the metric, without their prefix for the trigger's index
// (GetMetricSpecForScaling in kafka_scaler.go and apache_kafka_scaler.go). An expression is no name for a
// metric; the group's id, as for a trigger without topics, stays the same when topics come and go.
//
// A name of more than 300 bytes, as only many topics or groups make, is cut and ends in a hash.
//
// A metric that counts seconds or replicas has another name than one that counts records, so that none is taken for
// another.
func metricName(t *Trigger) string {
	s := &t.Selection
	name := "kafka-" + strings.Join(s.ConsumerGroups, ",") + "-topics"
	if len(s.Topics) > 0 {
		name = "kafka-" + strings.Join(s.Topics, ",")
	}
	switch {
	case t.ScalesByLatency():
		name += "-replicas"
	case t.Policy.Unit() == policy.Seconds:
		name += "-seconds"
	}
	// KEDA's own set (NormalizeString in pkg/util/normalize_string.go). It keeps "/" and "%" out of the HPA's metric path.
	return abridge(strings.NewReplacer("/", "-", ".", "-", ":", "-", "%", "-", "(", "-", ")", "-").Replace(name))
}

// abridge cuts a name that is too long, at a rune, and puts a hash of all of it behind, so that two names stay two.
func abridge(name string) string {
	if len(name) <= maxMetricName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := hex.EncodeToString(sum[:6])
	cut := maxMetricName - len("-") - len(hash)
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + "-" + hash
}
