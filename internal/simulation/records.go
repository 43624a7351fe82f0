package simulation

import "math"

// mark is a place in a partition's log.
type mark struct {
	offset int64
	step   int // the second in which the record at offset arrives
	index  int // which of that second's records it is
}

// log reads one partition's records in order. Nothing of it is stored: a second's arrivals are drawn again,
// from the same stream, when a consumer gets there.
type log struct {
	work      *Workload
	partition int
	at        mark
	// arrives is when the record at at arrives, in seconds since the start; +Inf where the second at.step has
	// no more, and the next one must be looked at.
	arrives float64
	// n is how many records the second at.step has, and random their stream. Where they are few, times has
	// the places of all of them in the second, ascending.
	n      int
	random stream
	times  [fewRecords]float32
}

// fewRecords is up to how many records in a second their places in it are independent of each other, as
// Poisson arrivals are. Beyond, each has an equal part of the second to itself: no latency of seconds shows
// the difference, and it is half the work.
const fewRecords = 8

func newLog(w *Workload, partition int) *log {
	l := &log{work: w, partition: partition}
	l.seek(mark{})
	return l
}

// seek goes to a place that the log was at before.
func (l *log) seek(to mark) {
	l.open(to.step)
	l.at = mark{offset: to.offset - int64(to.index), step: to.step}
	l.aim()
	for range to.index {
		l.pop()
	}
}

// open draws a second's arrivals.
func (l *log) open(step int) {
	l.at.step, l.at.index = step, 0
	l.n = int(l.work.LogEnd(l.partition, step+1) - l.work.LogEnd(l.partition, step))
	l.random = streamOf(l.work.seed, 't', l.partition, step)
	if l.n > fewRecords {
		return
	}
	for i := range l.n {
		u := float32(l.random.uniform())
		j := i
		for ; j > 0 && l.times[j-1] > u; j-- {
			l.times[j] = l.times[j-1]
		}
		l.times[j] = u
	}
}

// aim finds out when the record at at arrives.
func (l *log) aim() {
	switch i := l.at.index; {
	case i >= l.n:
		l.arrives = math.Inf(1)
	case l.n <= fewRecords:
		l.arrives = float64(l.at.step) + float64(l.times[i])
	default:
		l.arrives = float64(l.at.step) + (float64(i)+l.random.uniform())/float64(l.n)
	}
}

// head returns when the next record arrives, or +Inf where none does before the start of second end.
func (l *log) head(end int) float64 {
	if l.at.index < l.n {
		return l.arrives
	}
	return l.advance(end)
}

func (l *log) advance(end int) float64 {
	for l.at.index >= l.n && l.at.step+1 < end {
		l.open(l.at.step + 1)
		l.aim()
	}
	return l.arrives
}

// pop goes on to the record after the one that head is about.
func (l *log) pop() {
	l.at.index++
	l.at.offset++
	l.aim()
}
