package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// describe says in a sentence what the total lag is made of and what is left out.
func describe(r lag.Report) string {
	text := fmt.Sprintf("%s of lag in %d of %s",
		fault.Count(r.Total, "record"), r.Lagging, fault.Count(int64(len(r.Partitions)), "partition"))
	if r.Activation <= r.Total && r.Persistent == 0 && r.Phantom == 0 {
		return text
	}
	var b strings.Builder
	b.WriteString(text)
	if r.Activation > r.Total {
		fmt.Fprintf(&b, "; %d with the persistent lag, which is left out", r.Activation)
	}
	if forBoth := r.Persistent - (r.Activation - r.Total); r.Persistent > 0 && forBoth > 0 {
		fmt.Fprintf(&b, "; %d of persistent lag left out, for activation too", forBoth)
	}
	if r.Phantom > 0 {
		fmt.Fprintf(&b, "; %d of phantom lag left out: offsets without a record", r.Phantom)
	}
	return b.String()
}

func describeAge(r lag.Report) string {
	if r.Age == 0 {
		return "nothing is left to consume: " + describe(r)
	}
	return fmt.Sprintf("the oldest unconsumed record is %s old; %s", r.Age.Round(time.Millisecond), describe(r))
}
