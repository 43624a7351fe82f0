package trace_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation/trace"
)

func read(t *testing.T, text string) *trace.Trace {
	t.Helper()
	tr, err := trace.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestRateIsOnTheLineBetweenSamples(t *testing.T) {
	tr := read(t, "timestamp,rate\r\n1700000000,10\r\n1700000060,40\n\n1700000120, 0.5\n")
	for at, want := range map[time.Duration]float64{
		-time.Second: 10, 0: 10, 30 * time.Second: 25, 60 * time.Second: 40, 120 * time.Second: 0.5, time.Hour: 0.5,
	} {
		if got := tr.Rate(at); math.Abs(got-want) > 1e-9 {
			t.Errorf("at %s: %g, want %g", at, got, want)
		}
	}
	if tr.Length() != 2*time.Minute {
		t.Errorf("length %s", tr.Length())
	}
}

func TestMeanPeakAndScales(t *testing.T) {
	tr := read(t, "timestamp,rate\n0,0\n600,60\n1200,0\n")
	if got := tr.Mean(0, 20*time.Minute); math.Abs(got-30) > 0.1 {
		t.Errorf("mean %g", got)
	}
	if got := tr.Peak(0, 20*time.Minute); got < 56 || got > 58 {
		t.Errorf("peak %g: it is the highest mean of a minute", got)
	}
	if got := tr.Scaled(2).Rate(10 * time.Minute); got != 120 {
		t.Errorf("scaled %g", got)
	}
	s := tr.Stretched(1, 5)
	if s.Rate(0) != 1 || s.Rate(10*time.Minute) != 5 {
		t.Errorf("stretched %g to %g", s.Rate(0), s.Rate(10*time.Minute))
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", `the file is empty; its first line must be "timestamp,rate"`},
		{"no header", "1,2\n2,3\n", `line 1: the first line must be "timestamp,rate" (got "1,2")`},
		{"one sample", "timestamp,rate\n1,2\n", "a trace needs two samples at different times"},
		{"no comma", "timestamp,rate\n1\n", `line 2: it needs a timestamp, a comma and a rate (got "1")`},
		{"date", "timestamp,rate\n2024-01-01,2\n", `line 2: the timestamp must be a number of seconds (got "2024-01-01")`},
		{"words", "timestamp,rate\n1,many\n", `line 2: the rate must be a number from 0 to 1e+12 (got "many")`},
		{"negative", "timestamp,rate\n1,-2\n", `line 2: the rate must be a number from 0 to 1e+12 (got "-2")`},
		{"not a number", "timestamp,rate\n1,NaN\n", `line 2: the rate must be a number from 0 to 1e+12 (got "NaN")`},
		{"infinite", "timestamp,rate\nInf,1\n", `line 2: the timestamp must be a number of seconds (got "Inf")`},
		{"back", "timestamp,rate\n5,1\n4,1\n", "line 3: times must ascend (got 4 after 5)"},
		{"twice", "timestamp,rate\n5,1\n5,1\n", "line 3: times must ascend (got 5 after 5)"},
		{"milliseconds", "timestamp,rate\n1700000000000,1\n1700086400000,1\n", `line 2: the timestamp must be a number of seconds (got "1700000000000")`},
		{"years", "timestamp,rate\n0,1\n99999999,1\n", "line 3: it is more than a year after the first sample; times must be in seconds"},
		{"long line", "timestamp,rate\n" + strings.Repeat("1", 5000), "line 2 has more than 4096 bytes"},
		{"large", "timestamp,rate\n" + strings.Repeat(strings.Repeat(" ", 4000)+"\n", 17000), "the file has more than 64 MiB"},
	} {
		_, err := trace.Read(strings.NewReader(test.text))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

// Whatever the bytes, Read returns a trace that answers, or an error.
func FuzzRead(f *testing.F) {
	f.Add("timestamp,rate\n1,2\n3,4\n")
	f.Add("timestamp,rate\n1e300,2\n-0,4\n")
	f.Add("timestamp,rate\n0.5,0x1p-3\n0.7,1_0\n")
	f.Fuzz(func(t *testing.T, text string) {
		tr, err := trace.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for at := time.Duration(0); at <= tr.Length(); at += tr.Length()/7 + 1 {
			if r := tr.Rate(at); !(r >= 0) || math.IsInf(r, 0) {
				t.Errorf("at %s: %g", at, r)
			}
		}
		if tr.Length() <= 0 {
			t.Errorf("length %s", tr.Length())
		}
	})
}
