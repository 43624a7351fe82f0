package policy_test

import (
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
)

func ExamplePolicy_Decide() {
	d := policy.Policy{LagThreshold: 5}.Decide(of(reportOf(29, 0, 0, 0, 0)))
	for _, s := range d.Steps {
		fmt.Println(s.Rule, s.Before, s.After, s.Reason)
	}
	fmt.Println(d.Value, d.Active, d.Limit)
	// Output:
	// total_lag 29 29 29 records of lag in 1 of 5 partitions
	// partition_cap 29 25 5 partitions feed at most 5 replicas: 29 > 5 x 5
	// activation 29 1 active: 29 > activationLagThreshold 0
	// 25 true partition_cap
}

func ExampleHorizontal_Outcomes() {
	h := policy.Horizontal{Tolerance: policy.DefaultTolerance, MaxReplicas: 100}
	d := policy.Policy{LagThreshold: 5}.Decide(of(reportOf(29, 0, 0, 0, 0)))
	for _, o := range h.Outcomes(d, 1, 5) {
		fmt.Println(o.Current, o.Desired, o.Reason)
	}
	// Output:
	// 1 5 ceil(25 / 5) = 5
	// 5 5 25 / (5 x 5) = 1.000 is within 0.1 of 1: keeps what it has
}
