package scaler

import (
	"errors"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// An age that is not known, or not asked for, is no age of 0 in the answer.
func TestPartitionMessageAges(t *testing.T) {
	denied := errors.New("READ is missing")
	known := lag.Partition{Age: 90 * time.Second, Excluded: 7}
	unknown := lag.Partition{Age: -1, AgeErr: errors.New("no timestamp")}
	unknown.Inspected = &lag.Inspection{Err: denied}

	if m := partitionMessage(&known, true); m.GetAge().AsDuration() != 90*time.Second || m.GetAgeError() != "" || m.GetExcluded() != 7 || m.GetInspectionError() != "" {
		t.Errorf("known: %v", m)
	}
	if m := partitionMessage(&unknown, true); m.GetAge() != nil || m.GetAgeError() != "no timestamp" || m.GetInspectionError() != denied.Error() {
		t.Errorf("unknown: %v", m)
	}
	if m := partitionMessage(&lag.Partition{}, true); m.GetAge() == nil {
		t.Errorf("no lag has an age of 0: %v", m)
	}
	if m := partitionMessage(&lag.Partition{}, false); m.GetAge() != nil {
		t.Errorf("not asked for: %v", m)
	}
}

func TestDecisionMessageSaysUnitAndGroup(t *testing.T) {
	d := policy.Decision{Value: 90, Target: 30, Unit: policy.Seconds, Steps: []policy.Step{{Rule: policy.RuleOldestRecord, Group: "payments"}}}
	if m := decisionMessage(d); m.GetUnit() != "seconds" || m.GetSteps()[0].GetConsumerGroup() != "payments" {
		t.Errorf("%v", m)
	}
}
