package policy_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kafka-scaler/kafka-scaler/internal/lagcase"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// TestCases runs the text files under testdata. Their commands are
//
//	decide KEY[=VALUE]...   keys of the trigger's metadata; what both arithmetics make of the partitions
//	ours KEY[=VALUE]...     the same for the corrected arithmetic alone, where KEDA has no such keys. A line
//	                        "group NAME [KIND]" says whose partitions follow
//	hpa value=V target=T [current=C,...] [max=M] [tolerance=T] [type=Value]   what the HPA makes of a metric
func TestCases(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "decide":
				return decideCase(t, d)
			case "ours":
				return oursCase(t, d)
			case "hpa":
				return horizontalCase(t, d)
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
				return ""
			}
		})
	})
}

func decideCase(t *testing.T, d *datadriven.TestData) string {
	rules, p := parametersOf(t, metadataOf(d))
	offsets, err := lagcase.Parse(d.Input, now)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	var b strings.Builder
	render(&b, "corrected", p.Decide(of(lag.Compute(rules, offsets, now))))
	p.Compatibility = policy.KEDA
	r, _ := lag.ComputeKEDA(rules, offsets, nil, now)
	render(&b, "keda", p.Decide(of(r)))
	return b.String()
}

func metadataOf(d *datadriven.TestData) map[string]string {
	metadata := map[string]string{}
	for _, arg := range d.CmdArgs {
		metadata[arg.Key] = "true"
		if len(arg.Vals) > 0 {
			metadata[arg.Key] = arg.Vals[0]
		}
	}
	return metadata
}

func oursCase(t *testing.T, d *datadriven.TestData) string {
	rules, p := parametersOf(t, metadataOf(d))
	rules.Ages = p.NeedsAges()
	var reports []lag.Report
	for i, text := range strings.Split("\n"+d.Input, "\ngroup ") {
		var group lag.Group
		if i == 0 && strings.TrimSpace(text) == "" && strings.Contains(d.Input, "group ") {
			continue
		}
		if i > 0 {
			var line string
			line, text, _ = strings.Cut(text, "\n")
			group.Name, line, _ = strings.Cut(line, " ")
			group.Kind = kindOf(line)
		}
		offsets, err := lagcase.Parse(text, now)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		r := lag.Compute(rules, offsets, now)
		r.Group = group
		reports = append(reports, r)
	}
	var b strings.Builder
	render(&b, "corrected", p.Decide(policy.Input{Reports: reports}))
	return b.String()
}

func kindOf(name string) lag.GroupKind {
	for kind := lag.KindUnknown; kind <= lag.KindSimple; kind++ {
		if kind.String() == name {
			return kind
		}
	}
	return lag.KindUnknown
}

// parametersOf reads the parameters by their names in a trigger, so that the cases read
// like one. It is not pkg/trigger, whose defaults and conflicts are tested there.
func parametersOf(t *testing.T, metadata map[string]string) (lag.Rules, policy.Policy) {
	t.Helper()
	rules := lag.Rules{ResetPolicy: lag.Latest, MaxAge: 10 * time.Second, PersistentAfter: time.Minute}
	p := policy.Policy{LagThreshold: 10}
	for key, value := range metadata {
		var err error
		switch key {
		case "lagThreshold":
			p.LagThreshold, err = strconv.ParseInt(value, 10, 64)
		case "activationLagThreshold":
			p.ActivationLagThreshold, err = strconv.ParseInt(value, 10, 64)
		case "allowIdleConsumers":
			p.AllowIdleConsumers, err = strconv.ParseBool(value)
		case "limitToPartitionsWithLag":
			p.LimitToPartitionsWithLag, err = strconv.ParseBool(value)
		case "ensureEvenDistributionOfPartitions":
			p.EvenDistribution = policy.ExactDistribution
		case "evenDistribution":
			p.EvenDistribution = policy.EvenDistribution(value)
		case "partitionsPerReplica":
			p.PartitionsPerReplica, err = strconv.ParseInt(value, 10, 64)
		case "partitionAssignment":
			p.CoPartitioned = value == "copartitioned"
		case "consumerGroupMode":
			p.Groups = policy.GroupMode(strings.TrimPrefix(value, "sum"))
		case "lagSecondsThreshold":
			p.LagSecondsThreshold, err = strconv.ParseInt(value, 10, 64)
		case "activationLagSeconds":
			p.ActivateOnAge = true
			p.ActivationLagSeconds, err = strconv.ParseInt(value, 10, 64)
		case "excludePersistentLagFromActivation":
			rules.ExcludePersistentFromActivation, err = strconv.ParseBool(value)
		case "offsetResetPolicy":
			rules.ResetPolicy = lag.ResetPolicy(value)
		case "excludePersistentLag":
			rules.ExcludePersistent, err = strconv.ParseBool(value)
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return rules, p
}

func render(b *strings.Builder, mode string, d policy.Decision) {
	if d.Err != nil {
		fmt.Fprintf(b, "%s: %v\n", mode, d.Err)
		renderSteps(b, d)
		return
	}
	activity := "inactive"
	if d.Active {
		activity = "active"
	}
	fmt.Fprintf(b, "%s: value=%d replicas=%d %s", mode, d.Value, d.Replicas(), activity)
	if d.MaxReplicas > 0 {
		fmt.Fprintf(b, " max=%d", d.MaxReplicas)
	}
	if d.Limit != "" {
		fmt.Fprintf(b, " limit=%s", d.Limit)
	}
	if d.Unit != policy.Records {
		fmt.Fprintf(b, " unit=%s", d.Unit)
	}
	b.WriteByte('\n')
	renderSteps(b, d)
}

func renderSteps(b *strings.Builder, d policy.Decision) {
	for _, s := range d.Steps {
		if s.Group != "" {
			fmt.Fprintf(b, "  %s:", s.Group)
		}
		fmt.Fprintf(b, "  %s %d -> %d: %s\n", s.Rule, s.Before, s.After, s.Reason)
	}
}

func horizontalCase(t *testing.T, d *datadriven.TestData) string {
	h := policy.Horizontal{Tolerance: policy.DefaultTolerance}
	var decision policy.Decision
	var currents []int64
	for _, arg := range d.CmdArgs {
		var err error
		switch arg.Key {
		case "value":
			decision.Value, err = strconv.ParseInt(arg.Vals[0], 10, 64)
		case "target":
			decision.Target, err = strconv.ParseInt(arg.Vals[0], 10, 64)
		case "cap":
			decision.MaxReplicas, err = strconv.ParseInt(arg.Vals[0], 10, 64)
		case "max":
			h.MaxReplicas, err = strconv.ParseInt(arg.Vals[0], 10, 64)
		case "min":
			h.MinReplicas, err = strconv.ParseInt(arg.Vals[0], 10, 64)
		case "type":
			h.ByValue = arg.Vals[0] == "Value"
		case "tolerance":
			h.Tolerance, err = strconv.ParseFloat(arg.Vals[0], 64)
		case "current":
			for _, val := range arg.Vals {
				var c int64
				if c, err = strconv.ParseInt(val, 10, 64); err == nil {
					currents = append(currents, c)
				}
			}
		default:
			err = fmt.Errorf("unknown argument %q", arg.Key)
		}
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
	}
	var b strings.Builder
	for _, o := range h.Outcomes(decision, currents...) {
		fmt.Fprintf(&b, "%d -> %d: %s\n", o.Current, o.Desired, o.Reason)
	}
	return b.String()
}

// of is the input that has these reports.
func of(reports ...lag.Report) policy.Input { return policy.Input{Reports: reports} }
