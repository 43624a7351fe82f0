package policies

import (
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// LagThreshold is KEDA's trigger: the lag, of which one replica shall have so many records. It runs the
// scaler's own code, [lag.ComputeInto] and [policy.Policy.Decide]. even asks for counts that divide the
// partitions.
func LagThreshold(threshold int64, even bool) simulation.Contender {
	p := &lagThreshold{policy: policy.Policy{LagThreshold: threshold}}
	name := fmt.Sprintf("lagThreshold %d", threshold)
	if even {
		p.policy.EvenDistribution = policy.ExactDistribution
		name += ", even distribution"
	}
	return damped(name, p)
}

type lagThreshold struct {
	policy  policy.Policy
	offsets []lag.Offsets
	room    []lag.Partition
}

// Observe implements [simulation.Policy].
func (*lagThreshold) Observe(*simulation.View) {}

// Metric implements [simulation.Policy].
func (p *lagThreshold) Metric(v *simulation.View) (value, target float64, known bool) {
	now := simulation.Epoch().Add(v.At)
	if p.offsets == nil {
		p.offsets = make([]lag.Offsets, len(v.LogEnd))
	}
	for i := range v.LogEnd {
		p.offsets[i] = lag.Offsets{
			TopicPartition: lag.TopicPartition{Topic: "simulated", Partition: int32(i)},
			Committed:      v.Committed[i], LogEnd: v.LogEnd[i], ObservedAt: now,
		}
	}
	report := lag.ComputeInto(p.room, lag.Rules{ResetPolicy: lag.Latest, MaxAge: time.Minute}, p.offsets, now)
	p.room = report.Partitions
	d := p.policy.Decide(policy.Input{Reports: []lag.Report{report}})
	return float64(d.Value), float64(d.Target), true
}
