package main

import (
	"strings"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
)

func all() []harness.Result {
	var results []harness.Result
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		results = append(results, harness.Result{Name: "s" + n, Title: n + ". Title", Passed: true, Figures: []string{"4 of 5 | done"}})
	}
	return results
}

func TestNothingIsPublishedOfAnIncompleteRun(t *testing.T) {
	if err := check(all()); err != nil {
		t.Errorf("a complete run: %v", err)
	}
	failed := all()
	failed[3].Passed = false
	if err := check(failed); err == nil || !strings.Contains(err.Error(), "s4 failed") {
		t.Errorf("a failed scenario: %v", err)
	}
	if err := check(all()[1:]); err == nil || !strings.Contains(err.Error(), "scenario 1 has no result") {
		t.Errorf("a missing scenario: %v", err)
	}
}

func TestPageNamesCommitPicturesAndFigures(t *testing.T) {
	got := page(all(), "abc1234")
	for _, want := range []string{"abc1234", "(s7.svg)", `4 of 5 \| done`} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not contain %q:\n%s", want, got)
		}
	}
}
