package trigger

import (
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// conflict is a rule that two or more parameters break together.
type conflict struct {
	// field is where the problem is reported, message and remedy what it says.
	field, message, remedy string
	// broken reports whether the metadata break the rule.
	broken func(p *parser, t *Trigger) bool
}

// conflicts returns the rules, KEDA's first (Validate in kafka_scaler.go), in the reference page's order.
//
// Two of them KEDA's `apache-kafka` trigger does not have: that the two limits exclude each other, and that
// even distribution needs topics.
func conflicts() []conflict {
	return slices.Concat(kedaConflicts(), ourConflicts(), latencyConflicts(), compatibilityConflicts())
}

const (
	nameTopics = "name topics, or leave this out"
	leaveOne   = "leave one of them out"
)

func kedaConflicts() []conflict {
	return []conflict{
		{
			"limitToPartitionsWithLag", "cannot go together with allowIdleConsumers", leaveOne,
			func(_ *parser, t *Trigger) bool {
				return t.Policy.LimitToPartitionsWithLag && t.Policy.AllowIdleConsumers
			},
		},
		{
			"ensureEvenDistributionOfPartitions", "cannot go together with limitToPartitionsWithLag", leaveOne,
			func(p *parser, t *Trigger) bool {
				return p.isTrue("ensureEvenDistributionOfPartitions") && t.Policy.LimitToPartitionsWithLag
			},
		},
		{
			"limitToPartitionsWithLag", "needs topic or topicRegex", nameTopics,
			func(p *parser, t *Trigger) bool { return t.Policy.LimitToPartitionsWithLag && !p.namesTopics() },
		},
		{
			"ensureEvenDistributionOfPartitions", "needs topic or topicRegex", nameTopics,
			func(p *parser, _ *Trigger) bool {
				return p.isTrue("ensureEvenDistributionOfPartitions") && !p.namesTopics()
			},
		},
		{
			"fullMetadata", "false needs topic or topicRegex", nameTopics,
			func(p *parser, _ *Trigger) bool { return p.isFalse("fullMetadata") && !p.namesTopics() },
		},
	}
}

func ourConflicts() []conflict {
	return []conflict{
		{
			"cluster", "cannot go together with bootstrapServers", leaveOne,
			func(p *parser, _ *Trigger) bool { return p.given("cluster") && p.given("bootstrapServers") },
		},
		{
			"bootstrapServers", "is required where cluster is not set", "write host:port, or cluster: NAME; KEDA leaves out a FromEnv key whose variable is empty",
			func(p *parser, _ *Trigger) bool { return !p.given("cluster") && !p.given("bootstrapServers") },
		},
		{
			"topicRegex", "cannot go together with topic", leaveOne,
			func(p *parser, _ *Trigger) bool { return p.given("topic") && p.given("topicRegex") },
		},
		{
			"consumerGroupMode", "needs more than one group in consumerGroup", "name the groups, separated by commas, or leave this out",
			func(p *parser, t *Trigger) bool {
				return p.given("consumerGroupMode") && len(t.Selection.ConsumerGroups) == 1 && !t.keda()
			},
		},
		{
			"discoveredTopicExpiry", "cannot go together with topic or topicRegex: what is named is not discovered", leaveOne,
			func(p *parser, _ *Trigger) bool { return p.given("discoveredTopicExpiry") && p.namesTopics() },
		},
		{
			"excludePersistentLagFromActivation", "needs excludePersistentLag: true", "set both, or leave this out",
			func(_ *parser, t *Trigger) bool {
				return t.Lag.ExcludePersistentFromActivation && !t.Lag.ExcludePersistent
			},
		},
		{
			"lagSecondsThreshold", "cannot go together with lagThreshold", leaveOne,
			func(p *parser, _ *Trigger) bool { return p.given("lagSecondsThreshold") && p.given("lagThreshold") },
		},
		{
			"lagSecondsThreshold", "with several consumer groups needs consumerGroupMode: max, since ages do not add up", "set consumerGroupMode: max, or use one trigger a group",
			func(p *parser, t *Trigger) bool {
				return p.given("lagSecondsThreshold") && len(t.Selection.ConsumerGroups) > 1 && t.Policy.Groups != policy.MaxOfGroups
			},
		},
		{
			"activationLagSeconds", "cannot go together with activationLagThreshold", leaveOne,
			func(p *parser, _ *Trigger) bool {
				return p.given("activationLagSeconds") && p.given("activationLagThreshold")
			},
		},
		{
			"evenDistribution", "near cannot go together with ensureEvenDistributionOfPartitions: true, which is exact", leaveOne,
			func(p *parser, t *Trigger) bool {
				return t.Policy.EvenDistribution == policy.NearDistribution && p.isTrue("ensureEvenDistributionOfPartitions")
			},
		},
		{
			"evenDistribution", "cannot go together with limitToPartitionsWithLag", leaveOne,
			func(p *parser, t *Trigger) bool {
				return p.given("evenDistribution") && t.Policy.LimitToPartitionsWithLag
			},
		},
		{
			"evenDistribution", "needs topic or topicRegex", nameTopics,
			func(p *parser, _ *Trigger) bool { return p.given("evenDistribution") && !p.namesTopics() },
		},
	}
}

// compatibilityConflicts are about what KEDA's `kafka` trigger does not have.
func compatibilityConflicts() []conflict {
	rules := []conflict{
		{
			"topicRegex", "cannot go together with compatibility: keda", "name the topic, or leave compatibility out",
			func(p *parser, t *Trigger) bool { return p.given("topicRegex") && t.keda() },
		},
		{
			"isolationLevel", "read_committed cannot go together with compatibility: keda", leaveOne,
			func(_ *parser, t *Trigger) bool { return t.Selection.ReadCommitted && t.keda() },
		},
		{
			"persistentLagAfter", "cannot go together with compatibility: keda, which counts calls instead of time", leaveOne,
			func(p *parser, t *Trigger) bool { return p.given("persistentLagAfter") && t.keda() },
		},
	}
	for _, name := range []string{
		"consumerGroupMode", "discoveredTopicExpiry", "excludePersistentLagFromActivation", "lagSecondsThreshold",
		"activationLagSeconds", "evenDistribution", "partitionsPerReplica", "partitionAssignment", "targetLatency",
	} {
		rules = append(rules, conflict{
			name, "cannot go together with compatibility: keda", leaveOne,
			func(p *parser, t *Trigger) bool { return p.given(name) && t.keda() },
		})
	}
	return rules
}

func (p *parser) checkConflicts(t *Trigger) {
	for _, c := range conflicts() {
		if !c.broken(p, t) {
			continue
		}
		value, field, _ := p.lookup(c.field)
		p.report(field, value, c.message, c.remedy)
	}
}
