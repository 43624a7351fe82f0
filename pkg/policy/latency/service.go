package latency

import "slices"

// service learns what a member consumes that has enough to do, in records a second.
type service struct {
	samples [16]float32
	n       int
	// floor is the most that the mean member was seen to consume: it can do no less. It fades.
	floor float64
}

const floorFades = 0.9995 // by half in six hours

// learn takes what a decision has measured. Members of one moment make one sample, so that many of
// them do not drown out what was before.
func (v *service) learn(s *scene) {
	if !s.measured {
		return
	}
	if len(s.speeds) > 0 {
		slices.Sort(s.speeds)
		v.add(quantile(s.speeds, 0.5))
	}
	if n := len(s.members); n > 0 {
		v.floor = max(v.floor*floorFades, s.total.speed/float64(n))
	}
}

func (v *service) add(speed float64) {
	if speed > 0 {
		v.samples[v.n%len(v.samples)] = float32(speed)
		v.n++
	}
}

// forget leaves only one sample.
func (v *service) forget(speed float64) {
	*v = service{}
	v.add(speed)
}

// estimate returns the rate of one member, and how it is known.
func (v *service) estimate(c *Config) Rate {
	n := min(v.n, len(v.samples))
	switch {
	case c.ServiceRate > 0:
		return Rate{c.ServiceRate / float64(c.PartitionsPerReplica), Configured, n}
	case n > 0:
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(v.samples[i])
		}
		return Rate{median(values), Learned, n}
	case v.floor > 0:
		return Rate{v.floor, AtLeast, 0}
	}
	return Rate{Source: Unknown}
}

// median sorts the values.
func median(values []float64) float64 {
	slices.Sort(values)
	return quantile(values, 0.5)
}
