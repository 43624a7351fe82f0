package latency

import "math"

// expert is one way to look ahead.
type expert uint8

const (
	// level and calm expect what the last minute, or the last three, had.
	level expert = iota
	calm
	// trend goes on from the last minute along the line of the last five; line and longLine follow the line of
	// the last five and ten minutes themselves. Slopes are halved in ten minutes.
	trend
	line
	longLine
	// daily and weekly change as the same time of the day before did, or of the week before.
	daily
	weekly
	experts
)

// Spans that the experts look at, in fine steps.
const (
	levelSteps = 4
	calmSteps  = 12
	lineSteps  = 20
	longSteps  = 40
)

// leastStand is the share of what arrives now that must have arrived at a moment whose errors count. Errors are
// factors: by how much work that began outgrew next to nothing says nothing about what it may grow to from here.
const leastStand = 0.1

// panel are the forecasts of all experts, of now and of the last hour: what each would have said at the end of
// a step about the mean rate of the time ahead.
type panel struct {
	// said has, by time ahead and expert, the logarithm of truth / forecast at moments of the last hour; NaN
	// where he could not say.
	said [len(aheads)][experts][fineSteps / errorSteps]float64
	n    [len(aheads)]int // how many moments there are of each time ahead
	says [len(aheads)][experts]float64
}

// ask asks all experts about now, and about moments of the last hour of which the truth is known.
func (p *panel) ask(l *lastHour) {
	var grows [len(aheads)]float64
	for i, ahead := range aheads {
		grows[i] = growth(ahead)
	}
	p.says = l.opinions(fineSteps, &grows)
	least := leastStand * l.mean(fineSteps-levelSteps, fineSteps)
	for end := fineSteps - aheads[0]; end >= levelSteps; end -= errorSteps {
		if math.IsNaN(l.rates[end-1]) {
			break
		}
		if l.mean(end-levelSteps, end) < least {
			continue
		}
		said := l.opinions(end, &grows)
		for i, ahead := range aheads {
			truth := l.mean(end, end+ahead)
			if math.IsNaN(truth) {
				continue
			}
			for e := range experts {
				p.said[i][e][p.n[i]] = math.Log((truth + 1e-9) / (said[i][e] + 1e-9))
			}
			p.n[i]++
		}
	}
}

// forecast returns the mean of the experts for a time ahead, and the errors that it had in the last hour.
func (p *panel) forecast(i int) (forecast float64, errors []float64) {
	var weights [experts]float64
	var sum, logs float64
	n := p.n[i]
	for e := range experts {
		if says := p.says[i][e]; !math.IsNaN(says) {
			weights[e] = weigh(p.said[i][e][:n])
			if e == level && n < enoughErrors {
				weights[e] = 1
			}
			sum += weights[e]
			logs += weights[e] * math.Log(says+1e-9)
		}
	}
	if sum == 0 {
		return p.says[i][level], nil
	}
	for k := range n {
		var mixed, of float64
		for e := range experts {
			if err := p.said[i][e][k]; weights[e] > 0 && !math.IsNaN(err) {
				mixed += weights[e] * err
				of += weights[e]
			}
		}
		if of > 0.5*sum {
			errors = append(errors, mixed/of)
		}
	}
	return math.Exp(logs / sum), errors
}

// weigh is the inverse of the mean square of the errors, 0 where there are not enough.
func weigh(errors []float64) float64 {
	var sum float64
	n := 0
	for _, err := range errors {
		if !math.IsNaN(err) {
			sum += err * err
			n++
		}
	}
	if n < enoughErrors {
		return 0
	}
	return 1 / (sum/float64(n) + 1e-6)
}

// opinions are what the experts say who stand before one step: for each time ahead the mean rate until then;
// NaN where one cannot say.
func (l *lastHour) opinions(end int, grows *[len(aheads)]float64) (said [len(aheads)][experts]float64) {
	now, three := l.mean(end-levelSteps, end), l.mean(end-calmSteps, end)
	five, slope := l.line(end, lineSteps)
	ten, longSlope := l.line(end, longSteps)
	for i, ahead := range aheads {
		grow := grows[i]
		said[i] = [experts]float64{
			level: now, calm: three,
			trend:    bounded(now+slope*(grow+levelSteps/2), now),
			line:     bounded(five+slope*grow, five),
			longLine: bounded(ten+longSlope*grow, ten),
			daily:    now * l.season(&l.h.middle, end, ahead, 24*3600),
			weekly:   now * l.season(&l.h.coarse, end, ahead, 7*24*3600),
		}
	}
	return said
}

// bounded keeps what a line says within a factor of 3 of where it begins. A line may begin below 0.
func bounded(says, now float64) float64 {
	now = max(0, now)
	return min(max(says, now/3), 3*now)
}

// growth is by how many slopes the mean of so many steps ahead differs from now.
func growth(ahead int) (slopes float64) {
	const halfLife = 40
	decay := math.Exp2(-1.0 / halfLife)
	left := math.Sqrt(decay) // of a slope, in the middle of the first step
	for range ahead {
		slopes += (1 - left) / (1 - decay)
		left *= decay
	}
	return slopes / float64(ahead)
}

// season is by how much the rate changed at this time of an earlier day, from the last minute to the middle of
// the time ahead.
func (l *lastHour) season(r *ring, end, ahead int, back float64) float64 {
	at := float64(l.h.fine.newest-fineSteps+1+int64(end))*fineStep - back
	was, knownWas := r.near(at - levelSteps*fineStep/2)
	then, knownThen := r.near(at + float64(ahead*fineStep)/2)
	if !knownWas || !knownThen || was <= 0 {
		return math.NaN()
	}
	return min(max(then/was, 0.5), 3)
}
