package latency

// budget keeps account of records that were late. A planner begins careful; the fewer are late, the bolder it
// gets, and the more there are, the earlier it orders changes.
type budget struct {
	inTime    float64 // share of all records
	avoidable float64 // share of records that were late and that another size could have helped
	bold      float64 // 0 to 1
	caution   float64 // 0 to 1
}

const (
	// budgetMemory is how long late records are remembered, in decisions: 6 hours.
	budgetMemory = 6 * 60 * 4
	// mostCaution is how much earlier changes are ordered with all caution, in seconds.
	mostCaution = 60
	// highQuantile is that of the forecasts by which a careful planner chooses sizes, boldQuantile by which a
	// bold one does.
	highQuantile = 0.9
	boldQuantile = 0.5
	// carefulShare and boldShare are how much of the target is planned with. Only the oldest records of a few
	// partitions get as old as planned, so a bold planner may plan with more than the target.
	carefulShare = 0.9
	boldShare    = 1.2
)

// account takes a decision's share of late records in, and of those that were avoidable. The budget is what the
// attainment leaves; half of it may be used before the planner gets careful.
func (b *budget) account(late, avoidable, attainment float64) {
	b.inTime += (1 - late - b.inTime) / budgetMemory
	b.avoidable += (avoidable - b.avoidable) / budgetMemory
	used := b.avoidable / (1 - attainment)
	switch {
	case used > 0.6:
		b.bold -= 0.05 * b.bold
	case used < 0.4:
		b.bold = min(1, b.bold+0.003) // all of it in an hour and a half
	}
	switch {
	case used > 0.5:
		b.caution += 0.02 * (1 - b.caution)
	case used < 0.25:
		b.caution -= 0.002 * b.caution
	}
}

// quantile is that of the forecasts by which sizes are chosen.
func (b *budget) quantile() float64 { return highQuantile + (boldQuantile-highQuantile)*b.bold }

// share is how much of the target is planned with.
func (b *budget) share() float64 { return carefulShare + (boldShare-carefulShare)*b.bold }
