package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// checkReport writes one line a step, and counts what failed.
type checkReport struct {
	w             io.Writer
	steps, failed int
	headed        bool
}

func (r *checkReport) heading(text string) {
	if r.steps > 0 || r.headed {
		fmt.Fprintln(r.w)
	}
	r.headed = true
	fmt.Fprintln(r.w, text)
}

func (r *checkReport) step(c kafka.Check) {
	r.steps++
	mark, detail := "ok  ", c.Detail
	if !c.OK {
		r.failed++
		mark, detail = "FAIL", fmt.Sprint(c.Err)
	}
	line := fmt.Sprintf("%s  %s", mark, c.Step)
	if c.Target != "" {
		line += " " + c.Target
	}
	if detail != "" {
		line += ": " + detail
	}
	fmt.Fprintln(r.w, line)
	if !c.OK && c.Remedy != "" {
		fmt.Fprintf(r.w, "      -> %s\n", c.Remedy)
	}
}

// warn reports a step that succeeded, with something that is likely to be a mistake.
func (r *checkReport) warn(step, target, detail, remedy string) {
	r.steps++
	fmt.Fprintf(r.w, "WARN  %s %s: %s\n      -> %s\n", step, target, detail, remedy)
}

// fail reports a step that failed with an error of ours.
func (r *checkReport) fail(step, target string, err error) {
	var problems config.Problems
	var invalid *trigger.Error
	switch f := (*fault.Error)(nil); {
	case errors.As(err, &problems):
		for _, problem := range problems {
			r.step(kafka.Check{Step: step, Target: target, Err: errors.New(problem)})
		}
	case errors.As(err, &invalid):
		for _, problem := range invalid.Problems {
			r.step(kafka.Check{Step: step, Target: problem.Field, Err: errors.New(problem.Message), Remedy: problem.Remedy})
		}
	case errors.As(err, &f) && f.Remedy != "":
		r.step(kafka.Check{Step: step, Target: target, Err: withoutRemedy(*f), Remedy: f.Remedy})
	default:
		r.step(kafka.Check{Step: step, Target: target, Err: err})
	}
}

// withoutRemedy is the text of an error whose remedy is shown on a line of its own.
func withoutRemedy(e fault.Error) error {
	e.Remedy = ""
	return &e
}

// err is the outcome of the whole check.
func (r *checkReport) err() error {
	if r.failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d steps failed", r.failed, r.steps)
}
