package lag_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// look is what was seen so many hours in.
type look struct {
	hour int
	seen lag.Sighting
}

func interestAfter(looks ...look) lag.Interest {
	var i lag.Interest
	for _, l := range looks {
		i = i.Next(l.seen, now.Add(time.Duration(l.hour)*time.Hour))
	}
	return i
}

func TestOutlived(t *testing.T) {
	for _, c := range []struct {
		name  string
		looks []look
		want  bool
	}{
		{"just discovered", nil, false},
		{"passed over once", []look{{0, lag.PassedOver}}, false},
		{"passed over for a day", []look{{0, lag.PassedOver}, {24, lag.PassedOver}}, true},
		{"for less", []look{{0, lag.PassedOver}, {23, lag.PassedOver}}, false},
		{"wanted between", []look{{0, lag.PassedOver}, {23, lag.Wanted}, {24, lag.PassedOver}, {47, lag.PassedOver}}, false},
		{"asleep for a year", []look{{0, lag.Wanted}, {1, lag.NothingSeen}, {8760, lag.NothingSeen}}, false},
		{"asleep for a year, then wakes without it", []look{{0, lag.Wanted}, {1, lag.NothingSeen}, {8760, lag.PassedOver}}, false},
		{"asleep between two looks without it", []look{{0, lag.PassedOver}, {1, lag.NothingSeen}, {30, lag.PassedOver}}, true},
		{"passed over, then asleep", []look{{0, lag.PassedOver}, {1, lag.NothingSeen}, {8760, lag.NothingSeen}}, false},
		{"wanted again", []look{{0, lag.PassedOver}, {30, lag.PassedOver}, {31, lag.Wanted}}, false},
	} {
		if got := interestAfter(c.looks...).Outlived(24 * time.Hour); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
	for _, expiry := range []time.Duration{0, -time.Hour} {
		if interestAfter(look{0, lag.PassedOver}, look{1000, lag.PassedOver}).Outlived(expiry) {
			t.Errorf("outlived with an expiry of %s", expiry)
		}
	}
}

// By the definition: two looks without it, an expiry apart, and none with it between or after.
func TestOutlivedEqualsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var looks []look
		hour := 0
		for range rapid.IntRange(0, 12).Draw(t, "looks") {
			hour += rapid.IntRange(1, 15).Draw(t, "hours")
			looks = append(looks, look{hour, rapid.SampledFrom([]lag.Sighting{lag.NothingSeen, lag.Wanted, lag.PassedOver}).Draw(t, "seen")})
		}
		want := false
		for a := range looks {
			for b := range looks {
				if looks[a].seen != lag.PassedOver || looks[b].seen != lag.PassedOver || looks[b].hour-looks[a].hour < 24 {
					continue
				}
				wanted := false
				for _, l := range looks[a:] {
					wanted = wanted || l.seen == lag.Wanted
				}
				want = want || !wanted
			}
		}
		if got := interestAfter(looks...).Outlived(24 * time.Hour); got != want {
			t.Fatalf("%t, want %t after %v", got, want, looks)
		}
	})
}
