package check

import (
	"errors"
	"fmt"
	"io"

	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// report writes one line a step, and counts what failed.
type report struct {
	out           *terminal.Printer
	steps, failed int
	headed        bool
}

func newReport(w io.Writer) *report { return &report{out: terminal.New(w)} }

func (r *report) heading(text string) {
	if r.steps > 0 || r.headed {
		r.out.Linef("")
	}
	r.headed = true
	r.out.Linef("%s", text)
}

func (r *report) step(c kafka.Check) {
	mark, detail := "ok  ", c.Detail
	if !c.OK {
		r.failed++
		mark, detail = "FAIL", fmt.Sprint(c.Err)
		r.line(mark, c.Step, c.Target, detail, c.Remedy)
		return
	}
	r.line(mark, c.Step, c.Target, detail, "")
}

// warn reports a step that succeeded, with something that is likely to be a mistake.
func (r *report) warn(step, target, detail, remedy string) {
	r.line("WARN", step, target, detail, remedy)
}

func (r *report) line(mark, step, target, detail, remedy string) {
	r.steps++
	if target != "" {
		step += " " + target
	}
	if detail != "" {
		step += ": " + detail
	}
	r.out.Linef("%s  %s", mark, step)
	if remedy != "" {
		r.out.Linef("      -> %s", remedy)
	}
}

// fail reports a step that failed with an error of ours.
func (r *report) fail(step, target string, err error) {
	var problems config.Problems
	var invalid *trigger.Error
	switch {
	case errors.As(err, &problems):
		for _, problem := range problems {
			r.step(kafka.Check{Step: step, Target: target, Err: errors.New(problem)})
		}
	case errors.As(err, &invalid):
		for _, problem := range invalid.Problems {
			r.step(kafka.Check{Step: step, Target: problem.Field, Err: errors.New(problem.Message), Remedy: problem.Remedy})
		}
	default:
		remedy, cause := apart(err)
		r.step(kafka.Check{Step: step, Target: target, Err: cause, Remedy: remedy})
	}
}

// apart returns the remedy of an error, which is shown on a line of its own, and the error without it.
func apart(err error) (remedy string, cause error) {
	f := (*fault.Error)(nil)
	if !errors.As(err, &f) || f.Remedy == "" || f.Error() != err.Error() {
		return "", err
	}
	e := *f
	e.Remedy = ""
	return f.Remedy, &e
}

// err is the outcome of the whole check.
func (r *report) err() error {
	if r.failed == 0 {
		return r.out.Err()
	}
	return fmt.Errorf("%d of %d steps failed", r.failed, r.steps)
}
