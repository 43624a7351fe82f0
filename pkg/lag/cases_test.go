package lag_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kafka-scaler/kafka-scaler/internal/lagcase"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// TestCases runs the text files under testdata. Their commands are
//
//	compute [policy=earliest] [zero] [persistent-after=1m [and-activation]] [max-age=10s]
//	        [read-committed] [ages]                                        the corrected rules
//	keda    [policy=earliest] [zero] [persistent]                          KEDA's, remembering from case to case
//	forget                                                                 empties that memory
func TestCases(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var memory lag.Memory
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			rules := rulesOf(t, d)
			offsets, err := lagcase.Parse(d.Input, now)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			var r lag.Report
			switch d.Cmd {
			case "compute":
				r = lag.Compute(rules, offsets, now)
			case "keda":
				r, memory = lag.ComputeKEDA(rules, offsets, memory, now)
			case "forget":
				memory = nil
				return ""
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			return render(r, rules.Ages)
		})
	})
}

func rulesOf(t *testing.T, d *datadriven.TestData) lag.Rules {
	rules := lag.Rules{ResetPolicy: lag.Latest, MaxAge: 10 * time.Second}
	for _, arg := range d.CmdArgs {
		var err error
		switch arg.Key {
		case "policy":
			rules.ResetPolicy = lag.ResetPolicy(arg.Vals[0])
		case "zero":
			rules.ZeroOnInvalidOffset = true
		case "persistent":
			rules.ExcludePersistent = true
		case "persistent-after":
			rules.ExcludePersistent = true
			rules.PersistentAfter, err = time.ParseDuration(arg.Vals[0])
		case "and-activation":
			rules.ExcludePersistentFromActivation = true
		case "read-committed":
			rules.ReadCommitted = true
		case "ages":
			rules.Ages = true
		case "max-age":
			rules.MaxAge, err = time.ParseDuration(arg.Vals[0])
		default:
			err = fmt.Errorf("unknown argument %q", arg.Key)
		}
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
	}
	return rules
}

func render(r lag.Report, ages bool) string {
	var b strings.Builder
	for _, p := range r.Partitions {
		fmt.Fprintf(&b, "%s %s", p.TopicPartition, p.Reason)
		if p.Err != nil {
			fmt.Fprintf(&b, "\n  %v\n", p.Err)
			continue
		}
		fmt.Fprintf(&b, " lag=%d", p.Lag)
		if p.ActivationLag != p.Lag {
			fmt.Fprintf(&b, " activation=%d", p.ActivationLag)
		}
		if p.Lost != 0 {
			fmt.Fprintf(&b, " lost=%d", p.Lost)
		}
		if p.Excluded != 0 {
			fmt.Fprintf(&b, " excluded=%d", p.Excluded)
		}
		switch {
		case p.AgeErr != nil:
			fmt.Fprintf(&b, " age=?\n  %v", p.AgeErr)
		case ages:
			fmt.Fprintf(&b, " age=%s", p.Age)
		}
		b.WriteByte('\n')
	}
	if r.Err != nil {
		fmt.Fprintf(&b, "%s: %v\n", fault.KindOf(r.Err), r.Err)
		return b.String()
	}
	fmt.Fprintf(&b, "total=%d activation=%d lost=%d lagging=%d age=%s\n",
		r.Total, r.Activation, r.Lost, r.Lagging, now.Sub(r.ObservedAt))
	if ages {
		renderAge(&b, "oldest", r.Age, r.AgeErr)
		renderAge(&b, "oldest for activation", r.ActivationAge, r.ActivationAgeErr)
	}
	return b.String()
}

func renderAge(b *strings.Builder, name string, age time.Duration, err error) {
	if err != nil {
		fmt.Fprintf(b, "%s at least %s\n  %s: %v\n", name, age, fault.KindOf(err), err)
		return
	}
	fmt.Fprintf(b, "%s %s\n", name, age)
}
