package trigger_test

import (
	"strings"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// FuzzParse reads metadata from text, one `key: value` a line, and holds what
// every caller relies on: Parse returns either a trigger that can be worked with
// or an error made of problems, the same each time, and no credential in it.
func FuzzParse(f *testing.F) {
	least := "bootstrapServers: kafka:9092\nconsumerGroup: g\n"
	for _, seed := range []string{
		"", least, least + "topic: a,b\npartitionLimitation: 1,2,10-20",
		least + "topic: a\npartitionLimitation: 0-2000000000,3-1\ncompatibility: keda",
		least + "topicRegex: a(b|c)*\\Q\nfullMetadata: false",
		least + "allowIdleConsumers: true\nlimitToPartitionsWithLag: 1\nlagTreshold: 5\ntopicsFromEnv: x",
		"cluster: prod\nconsumerGroupFromEnv: g\nmaxSnapshotAge: 30s\nlagThreshold: -1\nversion: 0.1.2.3",
		least + "lagSecondsThreshold: 30\nactivationLagSeconds: 0\nconsumerGroup: a,b,,c\nconsumerGroupMode: max\ndiscoveredTopicExpiry: 1h",
		least + "topic: a,b\nevenDistribution: near\npartitionsPerReplica: 4\npartitionAssignment: copartitioned\nexcludePersistentLagFromActivation: true",
		least + "targetLatency: 30s\ntargetAttainment: 0.99\nmaxReplicas: 12\nserviceRate: 37.5\nstartupDelay: 40s\nchangePrice: 0\npartitionsPerReplica: 4",
		least + "targetLatency: 5m\nlatencyMode: advise\nlagSecondsThreshold: 60\nserviceRate: 1e3\ntargetAttainment: .9999999999999999999999",
		least + "targetLatency: 30\nlagThreshold: 5\nmaxReplicas: 9223372036854775807\nserviceRate: -0\nchangePrice: NaN\ncompatibility: keda",
		"bootstrapServersFromEnv: [::1]:9092,a://b@c\nconsumerGroup: \xff\nsasl: none,gssapi",
	} {
		f.Add(seed, uint8(len(seed)), len(seed)%2 == 0)
	}
	f.Fuzz(func(t *testing.T, text string, credential uint8, env bool) {
		metadata := map[string]string{}
		for line := range strings.Lines(text) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			metadata[key] = value
		}
		parsed, err := trigger.Parse(metadata)
		if (parsed == nil) == (err == nil) {
			t.Fatalf("Parse returned %v and %v", parsed, err)
		}
		if err == nil {
			checkTrigger(t, metadata, parsed)
		} else {
			checkError(t, metadata, err)
		}
		checkCredential(t, metadata, credential, env)
	})
}

func checkTrigger(t *testing.T, metadata map[string]string, parsed *trigger.Trigger) {
	t.Helper()
	c, s := parsed.Connection, parsed.Selection
	if (c.Cluster == "") == (len(c.BootstrapServers) == 0) {
		t.Errorf("not exactly one of cluster %q and servers %q", c.Cluster, c.BootstrapServers)
	}
	if n := len(s.ConsumerGroups); n == 0 || n > 20 || s.ConsumerGroups[0] != s.ConsumerGroup || (n > 1 && parsed.Policy.Compatibility != "") {
		t.Errorf("groups %q, the first %q", s.ConsumerGroups, s.ConsumerGroup)
	}
	if parsed.Lag.Ages != parsed.Policy.NeedsAges() || s.Ages != parsed.Lag.Ages || s.ReadCommitted != parsed.Lag.ReadCommitted {
		t.Errorf("selection %+v and rules %+v differ", s, parsed.Lag)
	}
	if s.ConsumerGroup == "" || (len(s.Topics) > 0 && s.TopicRegex != "") {
		t.Errorf("selection %+v", s)
	}
	if p := parsed.Policy; p.Target() < 1 || p.ActivationLagThreshold < 0 || p.ActivationLagSeconds < 0 || p.PartitionsPerReplica < 1 {
		t.Errorf("policy %+v", parsed.Policy)
	}
	if parsed.Lag.MaxAge <= 0 || parsed.Lag.PersistentAfter <= 0 {
		t.Errorf("rules %+v", parsed.Lag)
	}
	if parsed.MetricName == "" || strings.ContainsAny(parsed.MetricName, "/%") {
		t.Errorf("metric name %q does not fit into a path", parsed.MetricName)
	}
	if l := parsed.Latency; l != nil && (l.Config.Check() != nil || len(s.ConsumerGroups) > 1 || parsed.Policy.Compatibility != "") {
		t.Errorf("latency %+v: %v", l, l.Config.Check())
	}
	if parsed.ScalesByLatency() && strings.TrimSpace(metadata["lagThreshold"]) != "" {
		t.Errorf("both a lagThreshold and %+v", parsed.Latency)
	}
	if most := strings.Count(metadata["partitionLimitation"], ",") + 1; len(s.Partitions) > most {
		t.Errorf("%d ranges of partitions out of %d", len(s.Partitions), most)
	}
}

func checkError(t *testing.T, metadata map[string]string, err error) {
	t.Helper()
	for _, p := range problems(t, err) {
		if p.Message == "" {
			t.Errorf("problem without a message: %+v", p)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\r\x00") {
		t.Errorf("error is not one line: %q", err)
	}
	if _, again := trigger.Parse(metadata); again == nil || again.Error() != err.Error() {
		t.Errorf("two errors for the same metadata: %v and %v", err, again)
	}
}

// checkCredential adds one credential and checks that it is refused and not repeated.
func checkCredential(t *testing.T, metadata map[string]string, which uint8, env bool) {
	t.Helper()
	const secret = "Tr0ub4dor&3-correct-horse"
	var keys []string
	for _, p := range trigger.Parameters() {
		if p.Use == trigger.Credential {
			keys = append(keys, p.Name)
		}
	}
	key := keys[int(which)%len(keys)]
	if env {
		key += "FromEnv"
	}
	metadata[key] = secret
	size := 0
	for name, value := range metadata {
		size += len(name) + len(value)
	}
	if size > 64<<10 || len(metadata) > 100 {
		return // refused as a whole, before anything is looked at
	}
	_, err := trigger.Parse(metadata)
	if err == nil {
		t.Fatalf("%s was accepted", key)
	}
	found := false
	for _, p := range problems(t, err) {
		found = found || p.Field == key
		if strings.Contains(p.Value+p.Message+p.Remedy, secret) {
			t.Errorf("the secret is in %+v", p)
		}
	}
	if !found {
		t.Errorf("no problem names %s: %v", key, err)
	}
}
