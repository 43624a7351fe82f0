package main

import (
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// moment is everything that is known at one time: a row of the table.
type moment struct {
	at       time.Duration // since the start
	produced float64       // records a second over the last second
	replicas int64         // as KEDA and the HPA have set it
	members  int           // of the group, as its coordinator has it
	// explained is what the scaler says it tells KEDA, and why; nil where the call failed.
	explained *kafkascalerv1.Explanation
	err       error
	// keda and hpa are their last evaluations.
	keda, hpa kedaloop.Event
}

func (m moment) decision() *kafkascalerv1.Decision { return m.explained.GetDecision() }

// known reports whether the scaler has a number.
func (m moment) known() bool {
	return m.err == nil && m.explained != nil && m.explained.GetError() == ""
}

// why is the reason for what the row shows, from whoever has the last word: the scaler where it
// has no number or lowered it, KEDA at zero and on the way there, else the HPA.
func (m moment) why() string {
	switch {
	case m.err != nil:
		return fmt.Sprintf("the scaler did not answer: %v", m.err)
	case m.explained.GetError() != "":
		return m.explained.GetError()
	case m.decision().GetLimit() != "":
		return m.decision().GetLimit() + ": " + m.reasonOf(m.decision().GetLimit())
	case m.replicas == 0:
		return m.reasonOf("activation")
	case !m.decision().GetActive() && !m.keda.Active && m.keda.From > 0:
		return string(m.keda.Actor) + ": " + m.keda.Reason
	case m.hpa.From > 0:
		return string(m.hpa.Actor) + ": " + m.hpa.Reason
	default:
		return m.reasonOf("activation")
	}
}

// reasonOf is what the step of a rule says.
func (m moment) reasonOf(rule string) string {
	for _, s := range m.decision().GetSteps() {
		if s.GetRule() == rule {
			return s.GetReason()
		}
	}
	return ""
}
