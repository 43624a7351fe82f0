package kafka_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

func TestDiagnoseWait(t *testing.T) {
	for name, test := range map[string]struct {
		fault *kfake.Fault
		parts []int32
		want  string
	}{
		"allowed": {nil, []int32{0}, "records wake the workload at once"},
		"no READ": {
			&kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t0", Err: kerr.TopicAuthorizationFailed, Count: -1},
			[]int32{0},
			"--operation Read --topic t0)",
		},
		"no end":       {&kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "t0", Err: kerr.TopicAuthorizationFailed, Count: -1}, []int32{0}, "at the refresh interval"},
		"no partition": {nil, nil, "no partition"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, client := oneBroker(t, 1)
			if test.fault != nil {
				fake.Fault(*test.fault)
			}
			var got []kafka.Check
			client.DiagnoseWait(within(t, callTime), "t0", test.parts, func(c kafka.Check) { got = append(got, c) })
			if len(got) != 1 || !got[0].OK || got[0].Target != "t0" || !strings.Contains(got[0].Detail, test.want) {
				t.Errorf("got %+v, want one good step that says %q", got, test.want)
			}
		})
	}
}
