package report

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
)

// Value is a comparison for one objective, for programs. Times are in seconds.
type Value struct {
	Objective  float64  `json:"objectiveSeconds"`
	Attainment float64  `json:"attainment"`
	Length     float64  `json:"lengthSeconds"`
	Plan       Plan     `json:"clairvoyantPlan"`
	Work       float64  `json:"workReplicaHours"`
	Policies   []Policy `json:"policies"`
	Answers    []string `json:"answers"`
}

// Plan is the clairvoyant plan.
type Plan struct {
	ReplicaHours float64 `json:"replicaHours"`
	Changes      int64   `json:"changes"`
	// Excused is how many records nobody could have kept in time.
	Excused float64 `json:"excusedRecords"`
}

// Policy is what one policy made of it.
type Policy struct {
	Kind         string  `json:"kind"`
	Name         string  `json:"name"`
	LagThreshold int64   `json:"lagThreshold,omitempty"`
	InTime       float64 `json:"inTime"`
	Attained     bool    `json:"attained"`
	Records      int64   `json:"records"`
	P50          float64 `json:"p50Seconds"`
	P99          float64 `json:"p99Seconds"`
	Max          float64 `json:"maxSeconds"`
	ReplicaHours float64 `json:"replicaHours"`
	OverPlan     float64 `json:"overPlan"`
	Changes      int64   `json:"changes"`
	Rebalances   int64   `json:"rebalances"`
}

// ValueOf returns the comparison for one objective. Unlike the table it has every run, not the best of each kind
// only.
func ValueOf(c *comparison.Comparison, objective int) Value {
	v := Value{
		Objective: c.Setup.Scenario.Objectives[objective].Seconds(), Attainment: c.Setup.Attainment,
		Length: c.Setup.Scenario.Length.Seconds(), Work: c.Work, Answers: Answers(c, objective),
		Plan: Plan{c.PlanHours(objective), c.Bounds[objective].Changes, c.Bounds[objective].Excused},
	}
	for _, r := range c.All(objective) {
		v.Policies = append(v.Policies, Policy{
			Kind: string(r.Kind), Name: r.Name, LagThreshold: r.Threshold, InTime: r.InTime, Attained: r.Attained, Records: r.Records,
			P50: r.P50.Seconds(), P99: r.P99.Seconds(), Max: r.Max.Seconds(),
			ReplicaHours: r.ReplicaHours, OverPlan: r.Ratio, Changes: r.Changes, Rebalances: r.Rebalances,
		})
	}
	return v
}

// CSV writes the policies of a value, one a line.
func (v Value) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	lines := [][]string{{
		"kind", "name", "lagThreshold", "inTime", "attained", "records", "p50Seconds", "p99Seconds", "maxSeconds",
		"replicaHours", "overPlan", "changes", "rebalances",
	}}
	number := func(f float64) string { return strconv.FormatFloat(f, 'g', 8, 64) }
	whole := func(i int64) string { return strconv.FormatInt(i, 10) }
	for _, p := range v.Policies {
		lines = append(lines, []string{
			p.Kind, p.Name, whole(p.LagThreshold), number(p.InTime), strconv.FormatBool(p.Attained), whole(p.Records),
			number(p.P50), number(p.P99), number(p.Max), number(p.ReplicaHours), number(p.OverPlan), whole(p.Changes), whole(p.Rebalances),
		})
	}
	return out.WriteAll(lines)
}
