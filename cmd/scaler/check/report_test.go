package check

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// TestReportOfHostileText: whatever brokers and manifests say, it stays one line and does nothing to a terminal.
func TestReportOfHostileText(t *testing.T) {
	const hostile = "a\x1b[2J\r\nb\u202e"
	const shown = `a\x1b[2J\r\nb\u202e`
	var out strings.Builder
	r := newReport(&out)
	r.heading(hostile)
	r.step(kafka.Check{Step: "topic", Target: hostile, OK: true, Detail: hostile})
	r.warn("group", hostile, hostile, hostile)
	r.fail("offsets", "g", &fault.Error{Op: "read", Object: hostile, Err: errors.New(hostile), Remedy: hostile})
	want := strings.ReplaceAll(`@
ok    topic @: @
WARN  group @: @
      -> @
FAIL  offsets g: read @: @
      -> @
`, "@", shown)
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCheckBoundsItsTopics: an expression may match a thousand, and each is two lines and two requests.
func TestCheckBoundsItsTopics(t *testing.T) {
	snapshot := &collector.Snapshot{}
	for i := range 2 * maxTopicsShown {
		snapshot.Offsets = append(snapshot.Offsets, lag.Offsets{TopicPartition: lag.TopicPartition{Topic: fmt.Sprintf("t%02d", i)}})
	}
	snapshot.Offsets[3].Err = errors.New("not read")
	var out strings.Builder
	c := triggerCheck{report: newReport(&out), trigger: &trigger.Trigger{}}
	readable := c.topics([]*collector.Snapshot{snapshot, snapshot})
	if !strings.HasSuffix(out.String(), "ok    topic t09: 1 partition\nok    topics: and 10 more\n") || len(readable) != maxTopicsShown-1 {
		t.Errorf("%d are readable:\n%s", len(readable), &out)
	}
}
