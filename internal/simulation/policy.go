package simulation

import (
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
)

// View is what a policy may see: what Kafka tells anyone who may describe the group, and the replicas that
// Kubernetes was asked for. It is only valid during the call.
type View struct {
	// At is the time since the start of the run.
	At time.Duration
	// LogEnd and Committed are offsets by partition.
	LogEnd, Committed []int64
	// Owner is the id of the member that has the partition, or -1.
	Owner []int
	// Members is how many members the group counts.
	Members int
	// Rebalancing says that a rebalance is under way, Generation how many there have been.
	Rebalancing bool
	Generation  int64
	// Replicas is how many pods there are, ready or not.
	Replicas int64
	// CPU is the mean use of all pods over the last [CPUWindow], in pods: 1.5 of 2 is 75 %. Kafka does not
	// tell it; it is for a HorizontalPodAutoscaler on CPU, and without any error.
	CPU float64
}

// CPUWindow is over how long View.CPU is measured: the resolution of metrics-server.
const CPUWindow = 15 * time.Second

// ObserveInterval is how often a policy is shown a view besides those at which it must answer.
const ObserveInterval = 5 * time.Second

// Lag is how many records are not committed yet.
func (v *View) Lag() int64 {
	var n int64
	for p := range v.LogEnd {
		n += v.LogEnd[p] - v.Committed[p]
	}
	return n
}

// Policy says how many replicas there should be, through the metric that an HPA reads.
type Policy interface {
	// Observe is called every [ObserveInterval].
	Observe(v *View)
	// Metric is called at each sync of the HPA, which then aims at value / target replicas. It does nothing
	// where the value is not known.
	Metric(v *View) (value, target float64, known bool)
}

// Contender is a policy under its name, with the HPA that it runs under.
type Contender struct {
	Name   string
	Policy Policy
	// HPA has the tolerance, windows and pace. The replicas' bounds are those of the scenario.
	HPA kedaloop.Spec
}
