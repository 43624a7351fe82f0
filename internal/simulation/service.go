package simulation

import (
	"fmt"
	"math"
)

// Service names the distribution of the time that one record takes.
type Service string

// The distributions. Their mean is that of the service rate; the coefficient of variation is theirs.
const (
	// Deterministic: every record takes the same time.
	Deterministic Service = "deterministic"
	// Exponential: coefficient of variation 1, without memory.
	Exponential Service = "exponential"
	// Lognormal: coefficient of variation 1, with a longer tail.
	Lognormal Service = "lognormal"
	// Bimodal: nine records in ten take half the mean, the tenth takes 5.5 times the mean. Coefficient of
	// variation 1.5.
	Bimodal Service = "bimodal"
)

// Services are all distributions.
func Services() []Service { return []Service{Deterministic, Exponential, Lognormal, Bimodal} }

// quantile returns the time that a share u of all records stays below, for a mean of 1.
func (s Service) quantile(u float64) float64 {
	switch s {
	case Exponential:
		return -math.Log1p(-u)
	case Lognormal:
		variance := math.Ln2 // ln(1 + cv^2), cv = 1
		return math.Exp(math.Sqrt(2*variance)*math.Erfinv(2*u-1) - variance/2)
	case Bimodal:
		if u < 0.9 {
			return 0.5
		}
		return 5.5
	default:
		return 1
	}
}

func (s Service) validate() error {
	switch s {
	case Deterministic, Exponential, Lognormal, Bimodal:
		return nil
	}
	return fmt.Errorf("there is no service-time distribution %q", s)
}

// serviceTable draws service times quickly: it interpolates between quantiles, and computes those of the first
// and the last stratum, where the curve is steep.
type serviceTable struct {
	service Service
	edges   [strata + 1]float64
}

const strata = 1024

func newServiceTable(s Service) *serviceTable {
	t := &serviceTable{service: s}
	for i := range strata {
		t.edges[i] = s.quantile(float64(i) / strata)
	}
	return t
}

// draw returns the time of one record, for a mean of 1.
func (t *serviceTable) draw(random *stream) float64 {
	if t.service == Deterministic {
		return 1
	}
	bits := random.next()
	i := bits >> 54
	within := float64(bits<<10>>11) * 0x1p-53
	if i == 0 || i == strata-1 || t.service == Bimodal {
		return t.service.quantile((float64(i) + within) / strata)
	}
	return t.edges[i] + (t.edges[i+1]-t.edges[i])*within
}
