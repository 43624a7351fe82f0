package kafka_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

func TestDiagnoseLook(t *testing.T) {
	fake := seeded(t, 1, 1)
	client := newClient(t, fake)
	look := func() (c kafka.Check) {
		client.DiagnoseLook(within(t, callTime), "t0", []int32{0}, func(seen kafka.Check) { c = seen })
		return c
	}
	if c := look(); !c.OK || !strings.Contains(c.Detail, "do not count") {
		t.Errorf("%+v", c)
	}
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t0", Err: kerr.TopicAuthorizationFailed, Count: -1})
	if c := look(); !c.OK || !strings.Contains(c.Detail, "count as lag") || !strings.Contains(c.Detail, "--operation Read") {
		t.Errorf("without Read: %+v", c)
	}
}
