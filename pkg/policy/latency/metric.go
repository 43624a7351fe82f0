package latency

// Metric is a metric of type AverageValue that makes an HPA take a number of replicas.
type Metric struct {
	// Value is in thousandths of a replica, the unit in which an HPA computes; its target is one replica. KEDA
	// before 2.17 reads whole numbers only: it gets Value as it is, with [WholeTarget].
	Value int64
	// Lands is how many replicas the HPA then takes. It differs from what is wanted where no metric at all
	// gets an HPA there: then it is the next number up that one does, or the present one.
	Lands int
}

// WholeTarget is the target for a Value that is told in thousandths.
const WholeTarget = 1000

// Value returns the metric with which an HPA that has current replicas takes the number wanted, in spite of its
// tolerance, or gets as near as it can without falling below: current < 1 means that it is not known. most is
// the most replicas that are of use, 0 where there is no such number.
//
// An HPA keeps what it has where metric / (target x current) is from 1 - tolerance to 1 + tolerance, and
// otherwise takes ceil(metric / target). So a little less than a number is told to get down to it, and as
// little less as will do, for current may not be what the HPA has.
func Value(current, wanted, most int, tolerance float64) Metric {
	wanted = max(1, wanted)
	exact := Metric{thousandths(wanted), wanted}
	switch {
	case current < 1 || wanted == current:
		return exact
	case wanted > current:
		for n := wanted; most <= 0 || n <= most; n++ {
			if leaves(thousandths(n), current, tolerance) {
				return Metric{thousandths(n), n}
			}
		}
		return Metric{exact.Value, current}
	}
	for _, less := range [...]int64{0, 500, 999} {
		if value := exact.Value - less; leaves(value, current, tolerance) {
			return Metric{value, wanted}
		}
	}
	return Metric{thousandths(current), current}
}

func thousandths(replicas int) int64 { return int64(replicas) * WholeTarget }

// leaves reports whether the HPA does not keep what it has. Whichever way it is told, it divides the same
// numbers, or both times a thousand; so a value has to be outside for both.
func leaves(value int64, current int, tolerance float64) bool {
	outside := func(unit float64) bool {
		ratio := float64(value) * unit / (WholeTarget * unit * float64(current))
		return ratio < 1-tolerance || ratio > 1+tolerance
	}
	return outside(1) && outside(1000)
}
