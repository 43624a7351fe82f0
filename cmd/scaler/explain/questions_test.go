package explain

import (
	"strings"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
)

// Nobody is told to try what would be refused.
func TestNoteForKEDAsOwnTriggers(t *testing.T) {
	for _, test := range []struct {
		kind, topic string
		hint        bool
	}{
		{"kafka", "orders", true},
		{"apache-kafka", "orders", true},
		{"apache-kafka", "orders,refunds", false},
	} {
		metadata := map[string]string{"bootstrapServers": "kafka:9092", "consumerGroup": "g", "topic": test.topic}
		got := strings.Join(kedasOwn(manifest.Trigger{Type: test.kind, Metadata: metadata}), " ")
		if strings.Contains(got, "compatibility=keda") != test.hint || !strings.Contains(got, "type "+test.kind+" is answered by KEDA itself") {
			t.Errorf("%s with topic %s: %q", test.kind, test.topic, got)
		}
		if metadata["compatibility"] != "" {
			t.Error("the metadata was changed")
		}
	}
}
