package trigger

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

// Bounds of the durations. A snapshot younger than a second would defeat the background refresh; lag that
// is minutes old is no ground for scaling.
const (
	minMaxSnapshotAge     = time.Second
	maxMaxSnapshotAge     = 5 * time.Minute
	minPersistentLagAfter = time.Second
	// A shorter expiry would take a rolling restart for a group that has lost interest.
	minDiscoveredTopicExpiry = time.Minute
)

// Parse reads the metadata of one trigger as KEDA sends it. Either the trigger is
// valid, or the error is a *fault.Error of kind Invalid whose cause is an [*Error]
// with every problem there is.
//
// In KEDA compatibility mode the rules are those of the `kafka` trigger alone: a
// topic is a single name, and what that trigger does not have conflicts with the
// mode.
//
// What Parse costs, and how long its error is, is bounded whatever the metadata.
func Parse(metadata map[string]string) (*Trigger, error) {
	if err := tooLarge(metadata); err != nil {
		return nil, err
	}
	p := newParser(metadata)
	compatibility := policy.Compatibility(p.oneOf("compatibility"))
	keda := compatibility == policy.KEDA
	t := &Trigger{
		Connection: p.connection(),
		Selection:  p.selection(keda),
		Lag: lag.Rules{
			ResetPolicy:         lag.ResetPolicy(p.oneOf("offsetResetPolicy")),
			ZeroOnInvalidOffset: p.boolean("scaleToZeroOnInvalidOffset"),
			ExcludePersistent:   p.boolean("excludePersistentLag"),
			PersistentAfter:     p.duration("persistentLagAfter", minPersistentLagAfter, 0),
			MaxAge:              p.duration("maxSnapshotAge", minMaxSnapshotAge, maxMaxSnapshotAge),

			ExcludePersistentFromActivation: p.boolean("excludePersistentLagFromActivation"),
		},
		Policy:  p.policy(compatibility),
		Latency: p.latency(),
	}
	t.Lag.ReadCommitted = t.Selection.ReadCommitted
	t.Lag.Ages = t.Policy.NeedsAges()
	t.Selection.Ages = t.Lag.Ages
	t.Latency.assign(t.Policy.PartitionsPerReplica, t.Policy.CoPartitioned)
	p.checkIgnored()
	p.checkConflicts(t)
	p.checkKeys()
	if len(p.problems) > 0 {
		return nil, asFault(p.sorted())
	}
	t.MetricName = metricName(t)
	return t, nil
}

func (p *parser) policy(compatibility policy.Compatibility) policy.Policy {
	return policy.Policy{
		LagThreshold:             p.integer("lagThreshold", 1),
		LagSecondsThreshold:      p.integer("lagSecondsThreshold", 1),
		ActivationLagThreshold:   p.integer("activationLagThreshold", 0),
		ActivateOnAge:            p.given("activationLagSeconds"),
		ActivationLagSeconds:     p.integer("activationLagSeconds", 0),
		AllowIdleConsumers:       p.boolean("allowIdleConsumers"),
		LimitToPartitionsWithLag: p.boolean("limitToPartitionsWithLag"),
		EvenDistribution:         p.evenDistribution(),
		PartitionsPerReplica:     p.integer("partitionsPerReplica", 1),
		CoPartitioned:            p.oneOf("partitionAssignment") == "copartitioned",
		Groups:                   p.groupMode(),
		Compatibility:            compatibility,
	}
}

// evenDistribution reads KEDA's parameter and ours; a conflict holds that they agree.
func (p *parser) evenDistribution() policy.EvenDistribution {
	even := policy.EvenDistribution(p.oneOf("evenDistribution"))
	if p.boolean("ensureEvenDistributionOfPartitions") && even == policy.AnyDistribution {
		return policy.ExactDistribution
	}
	return even
}

func (p *parser) groupMode() policy.GroupMode {
	if p.oneOf("consumerGroupMode") == "max" {
		return policy.MaxOfGroups
	}
	return policy.SumOfGroups
}

// checkIgnored checks the form of what decides nothing, so that a typo shows here and not on the way back to KEDA's trigger.
func (p *parser) checkIgnored() {
	for _, param := range p.params {
		if param.Use != Ignored {
			continue
		}
		switch param.Type {
		case TypeBool:
			p.boolean(param.Name)
		case TypeEnum:
			p.oneOf(param.Name)
		case TypeVersion:
			p.version(param.Name)
		}
	}
}
