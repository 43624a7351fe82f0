package kedaloop_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
)

// TestDecisions walks through the timelines in testdata. Each line of a case is one
// evaluation; the replicas are what the one before made of them.
//
//	hpa replicas=1 target=10 max=100   then   TIME METRIC
//	keda replicas=0 cooldown=300s      then   TIME active|inactive|error|push-active|push-inactive [REPLICAS]
func TestDecisions(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			spec := specOf(t, d)
			replicas := int64(1)
			d.MaybeScanArgs(t, "replicas", &replicas)
			step := hpaSteps(t, d, spec)
			if d.Cmd == "keda" {
				step = kedaSteps(spec)
			}
			return walk(t, d, replicas, step)
		})
	})
}

func specOf(t *testing.T, d *datadriven.TestData) kedaloop.Spec {
	spec := kedaloop.DefaultSpec()
	d.MaybeScanArgs(t, "min", &spec.MinReplicas)
	d.MaybeScanArgs(t, "max", &spec.MaxReplicas)
	if d.HasArg("behavior") {
		b := kedaloop.DefaultBehavior()
		spec.Behavior = &b
		for _, r := range []struct {
			name  string
			rules *kedaloop.Rules
		}{{"up", &b.ScaleUp}, {"down", &b.ScaleDown}} {
			scanRules(t, d, r.name, r.rules)
		}
	}
	for name, field := range map[string]*time.Duration{
		"cooldown": &spec.CooldownPeriod, "initial-cooldown": &spec.InitialCooldownPeriod, "stabilization": &spec.DownscaleStabilization,
	} {
		scanDuration(t, d, name, field)
	}
	return spec
}

func scanRules(t *testing.T, d *datadriven.TestData, name string, r *kedaloop.Rules) {
	scanDuration(t, d, name+"-window", &r.StabilizationWindow)
	var tolerance, pick string
	if d.MaybeScanArgs(t, name+"-tolerance", &tolerance); tolerance != "" {
		f, err := strconv.ParseFloat(tolerance, 64)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		r.Tolerance = f
	}
	if d.MaybeScanArgs(t, name+"-select", &pick); pick != "" {
		r.Select = kedaloop.Select(pick)
	}
	var pods, percent int64
	d.MaybeScanArgs(t, name+"-pods", &pods)
	d.MaybeScanArgs(t, name+"-percent", &percent)
	if pods+percent > 0 {
		r.Policies = nil
	}
	for _, p := range []kedaloop.Policy{{Pods: pods}, {Percent: percent}} {
		if p.Pods+p.Percent > 0 {
			p.Period = 60 * time.Second
			r.Policies = append(r.Policies, p)
		}
	}
}

func scanDuration(t *testing.T, d *datadriven.TestData, name string, into *time.Duration) {
	var text string
	if d.MaybeScanArgs(t, name, &text); text == "" {
		return
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	*into = parsed
}

type stepFunc func(now time.Time, current int64, what string) (kedaloop.Move, error)

func hpaSteps(t *testing.T, d *datadriven.TestData, spec kedaloop.Spec) stepFunc {
	target := int64(10)
	d.MaybeScanArgs(t, "target", &target)
	h := kedaloop.NewHPA(spec)
	return func(now time.Time, current int64, what string) (kedaloop.Move, error) {
		value, err := strconv.ParseFloat(what, 64)
		return h.Sync(now, current, value, float64(target)), err
	}
}

func kedaSteps(spec kedaloop.Spec) stepFunc {
	k := kedaloop.NewKEDA(spec, time.Unix(0, 0))
	return func(now time.Time, current int64, what string) (kedaloop.Move, error) {
		switch what {
		case "active", "inactive":
			return k.Poll(now, current, what == "active"), nil
		case "push-active", "push-inactive":
			return k.Push(now, current, what == "push-active"), nil
		case "error":
			return k.Failed(current, errors.New("broker unreachable")), nil
		default:
			return kedaloop.Move{}, fmt.Errorf("%q is nothing that happens", what)
		}
	}
}

// walk shows each step with the replicas before and after.
func walk(t *testing.T, d *datadriven.TestData, replicas int64, step stepFunc) string {
	var out strings.Builder
	for line := range strings.Lines(d.Input) {
		fields := strings.Fields(line)
		after, err := time.ParseDuration(fields[0])
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		if len(fields) > 2 {
			if replicas, err = strconv.ParseInt(fields[2], 10, 64); err != nil {
				d.Fatalf(t, "%v", err)
			}
		}
		m, err := step(time.Unix(0, 0).Add(after), replicas, fields[1])
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		fmt.Fprintf(&out, "%s %s: %d -> %d  %s\n", fields[0], fields[1], m.From, m.To, m.Reason)
		replicas = m.To
	}
	return out.String()
}
