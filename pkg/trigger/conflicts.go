package trigger

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
	const nameTopics = "name topics, or leave this out"
	return []conflict{
		{"limitToPartitionsWithLag", "cannot go together with allowIdleConsumers", "leave one of them out",
			func(_ *parser, t *Trigger) bool {
				return t.Policy.LimitToPartitionsWithLag && t.Policy.AllowIdleConsumers
			}},
		{"ensureEvenDistributionOfPartitions", "cannot go together with limitToPartitionsWithLag", "leave one of them out",
			func(_ *parser, t *Trigger) bool {
				return t.Policy.EnsureEvenDistribution && t.Policy.LimitToPartitionsWithLag
			}},
		{"limitToPartitionsWithLag", "needs topic or topicRegex", nameTopics,
			func(p *parser, t *Trigger) bool { return t.Policy.LimitToPartitionsWithLag && !p.namesTopics() }},
		{"ensureEvenDistributionOfPartitions", "needs topic or topicRegex", nameTopics,
			func(p *parser, t *Trigger) bool { return t.Policy.EnsureEvenDistribution && !p.namesTopics() }},
		{"fullMetadata", "false needs topic or topicRegex", nameTopics,
			func(p *parser, _ *Trigger) bool { return p.isFalse("fullMetadata") && !p.namesTopics() }},
		{"cluster", "cannot go together with bootstrapServers", "leave one of them out",
			func(p *parser, _ *Trigger) bool { return p.given("cluster") && p.given("bootstrapServers") }},
		{"bootstrapServers", "is required where cluster is not set", "write host:port, or cluster: NAME; KEDA leaves out a FromEnv key whose variable is empty",
			func(p *parser, _ *Trigger) bool { return !p.given("cluster") && !p.given("bootstrapServers") }},
		{"topicRegex", "cannot go together with topic", "leave one of them out",
			func(p *parser, _ *Trigger) bool { return p.given("topic") && p.given("topicRegex") }},
		{"topicRegex", "cannot go together with compatibility: keda", "name the topic, or leave compatibility out",
			func(p *parser, t *Trigger) bool { return p.given("topicRegex") && t.keda() }},
		{"isolationLevel", "read_committed cannot go together with compatibility: keda", "leave one of them out",
			func(_ *parser, t *Trigger) bool { return t.Selection.ReadCommitted && t.keda() }},
		{"persistentLagAfter", "cannot go together with compatibility: keda, which counts calls instead of time", "leave one of them out",
			func(p *parser, t *Trigger) bool { return p.given("persistentLagAfter") && t.keda() }},
	}
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
