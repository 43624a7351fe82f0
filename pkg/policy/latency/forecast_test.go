package latency

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var hour = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// seen returns an outlook after an hour of rates, by the step of the hour.
func seen(rate func(step int) float64) outlook {
	h := newHistory()
	for i := range fineSteps + 1 {
		from := hour.Add(time.Duration(i) * Interval)
		h.add(seconds(from), seconds(from.Add(Interval)), rate(i)*fineStep)
	}
	var past lastHour
	past.read(&h)
	return h.lookAhead(&past, highQuantile)
}

func TestForecastOfWhatNeverChanges(t *testing.T) {
	o := seen(func(int) float64 { return 200 })
	for i := range aheads {
		if math.Abs(o.expected[i]-200) > 1 || math.Abs(o.high[i]-200) > 1 {
			t.Errorf("%d steps ahead: %.1f, high %.1f, of 200", aheads[i], o.expected[i], o.high[i])
		}
	}
}

// A straight line goes on: what is expected for two minutes is the mean of the second of them.
func TestForecastFollowsALine(t *testing.T) {
	o := seen(func(step int) float64 { return 100 + float64(step) })
	for i, want := range []float64{100 + fineSteps + 2, 100 + fineSteps + 6} {
		if math.Abs(o.expected[i]/want-1) > 0.02 || o.high[i] < o.expected[i] {
			t.Errorf("%d steps ahead: %.1f, high %.1f, want %.1f", aheads[i], o.expected[i], o.high[i], want)
		}
	}
}

// Where the rate jumps about, the high path is above the expected one, and the mean of it all is expected.
func TestForecastOfWhatJumpsAbout(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	o := seen(func(int) float64 { return 120 + 160*random.Float64() })
	for i := range aheads[:3] {
		if o.expected[i] < 160 || o.expected[i] > 240 {
			t.Errorf("%d steps ahead: %.1f", aheads[i], o.expected[i])
		}
	}
	if o.high[0] < o.expected[0]*1.02 {
		t.Errorf("in a minute %.1f, high %.1f", o.expected[0], o.high[0])
	}
}

// Whatever has arrived, and whatever is missing of it, a forecast is a number, not negative, and no lower on the
// high path.
func TestForecastIsANumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.SliceOfN(rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 1e6), rapid.Just(-1.0)), 0, fineSteps).Draw(t, "rates")
		h := newHistory()
		for i, rate := range rates {
			if rate >= 0 {
				from := hour.Add(time.Duration(i) * Interval)
				h.add(seconds(from), seconds(from.Add(Interval)), rate*fineStep)
			}
		}
		var past lastHour
		past.read(&h)
		o := h.lookAhead(&past, rapid.Float64Range(0.5, 0.99).Draw(t, "quantile"))
		for i := range aheads {
			if e, high := o.expected[i], o.high[i]; !(e >= 0) || !(high >= e) || math.IsInf(high, 0) {
				t.Fatalf("%d steps ahead: %v, high %v", aheads[i], e, high)
			}
		}
	})
}

func TestServiceIsTheMedianOfBusyMembers(t *testing.T) {
	var v service
	c := Config{TargetLatency: time.Minute}.withDefaults()
	if r := v.estimate(&c); r.Source != Unknown {
		t.Errorf("knows %+v", r)
	}
	v.learn(&scene{measured: true, members: make([]load, 4), total: load{speed: 40}})
	if r := v.estimate(&c); r.Source != AtLeast || r.PerSecond != 10 {
		t.Errorf("of members that are not busy: %+v, want at least 10", r)
	}
	for range 3 {
		v.learn(&scene{measured: true, members: make([]load, 4), speeds: []float64{20, 5, 21, 22, 19}})
	}
	if r := v.estimate(&c); r.Source != Learned || r.PerSecond != 20 || r.Samples != 3 {
		t.Errorf("%+v, want 20 of 3 samples", r)
	}
	c.ServiceRate, c.PartitionsPerReplica = 90, 3
	if r := v.estimate(&c); r.Source != Configured || r.PerSecond != 30 {
		t.Errorf("%+v, want the trigger's 30 a member", r)
	}
}

func TestDelaysAreLearned(t *testing.T) {
	var s samples
	if d := s.estimate(45 * time.Second); d.Source != Assumed || d.Duration != 45*time.Second {
		t.Errorf("%+v", d)
	}
	s.add(20)
	if d := s.estimate(45 * time.Second); d.Source != Learned || d.Duration <= 40*time.Second {
		t.Errorf("one sample drowns out what was assumed: %+v", d)
	}
	for range 10 {
		s.add(20)
	}
	if d := s.estimate(45 * time.Second); d.Duration != 20*time.Second {
		t.Errorf("%+v, want 20s", d)
	}
}

// One partition after the other: the oldest record of a member with 3 waits 1.5 times as long as its backlog takes.
func TestTurns(t *testing.T) {
	var one turns
	if f := one.factor(3); f != 1 {
		t.Errorf("all at a time: %v", f)
	}
	for range 2000 {
		one.learn(&scene{counted: []load{{rate: 10, backlog: 200}}, oldestOf: []float64{30}, blocked: []bool{false}}, 3, 5)
	}
	if f := one.factor(3); math.Abs(f-1.5) > 0.01 {
		t.Errorf("one after the other: %v, want 1.5", f)
	}
	if f := one.factor(1); f != 1 {
		t.Errorf("one partition: %v", f)
	}
}

// The budget makes bold where nothing is late, and careful where much is.
func TestBudget(t *testing.T) {
	b := budget{inTime: 1}
	for range 400 {
		b.account(0, 0, 0.999)
	}
	if b.bold < 0.99 || b.caution > 0 {
		t.Errorf("hours without a late record: %+v", b)
	}
	for range 60 {
		b.account(0.5, 0.5, 0.999)
	}
	if b.bold > 0.1 || b.caution < 0.5 || b.inTime > 0.99 {
		t.Errorf("a quarter of an hour with half of them late: %+v", b)
	}
}
