package main

import (
	"strings"
	"testing"
	"time"
)

func testScreen(width int, live, color bool) (*screen, *strings.Builder) {
	var out strings.Builder
	s := newScreen(&out, false)
	s.live, s.color, s.width = live, color, func() int { return width }
	return s, &out
}

// Piped, there are lines and nothing else; a row that says nothing new is left out.
func TestPlain(t *testing.T) {
	s, out := testScreen(plainWidth, false, false)
	s.head()
	s.keep(row(time.Second, 0, 0))
	s.draw(row(1500*time.Millisecond, 0, 0))
	s.keep(row(2*time.Second, 0, 0))
	s.note(styleGreen, 2500*time.Millisecond, "awake")
	s.keep(row(3*time.Second, 300, 6))
	s.keep(moment{at: 4 * time.Second, err: errBroken})
	want := `   TIME   IN/s     LAG   METRIC  ACTIVE  REPLICAS  MEMBERS  WHY
  1.0 s      0       0     0/30  no             0        0  active or not
  2.5 s  > awake
  3.0 s      0     300   180/30  yes            6        0  partition_cap: 6 partitions
  4.0 s      0       ?        ?  ?              0        0  the scaler did not answer: broken pipe
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

var errBroken = brokenError{}

type brokenError struct{}

func (brokenError) Error() string { return "broken\n  pipe" }

// A narrow terminal has the reason below the row, whole once and never wider than the screen; what was
// drawn live is taken off before anything else is written.
func TestLive(t *testing.T) {
	s, out := testScreen(66, true, false)
	s.draw(row(time.Second, 300, 6))
	s.draw(row(2*time.Second, 301, 6))
	s.keep(row(3*time.Second, 302, 6))
	s.keep(row(4*time.Second, 303, 6))
	s.line("", "the end")
	s.draw(row(5*time.Second, 304, 6))
	s.clear()
	s.clear()
	figures := func(clock, lag string) string {
		return "  " + clock + " s      0     " + lag + "   180/30  yes            6        0"
	}
	why := "\n           partition_cap: 6 partitions"
	erase := "\r\x1b[2K\x1b[1A\x1b[2K"
	want := figures("1.0", "300") + why +
		erase + figures("2.0", "301") + why +
		erase + figures("3.0", "302") + why + "\n" +
		figures("4.0", "303") + "\n" + "the end\n" +
		figures("5.0", "304") + why + erase
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out, want)
	}
	narrow, _ := testScreen(30, true, false)
	for _, line := range narrow.fit(figures("1.0", "300"), strings.Repeat("why ", 20)) {
		if len(line) > 29 {
			t.Errorf("too wide: %q", line)
		}
	}
}

func TestColor(t *testing.T) {
	for color, want := range map[bool]string{true: "\x1b[31mred\x1b[0m\n", false: "red\n"} {
		s, out := testScreen(80, true, color)
		s.line(styleRed, "red")
		if out.String() != want {
			t.Errorf("color %v: %q", color, out)
		}
	}
}

func TestCut(t *testing.T) {
	if got := cut("ünïcödé", 6); got != "ünï..." {
		t.Errorf("got %q", got)
	}
	if got := cut("short", 5); got != "short" {
		t.Errorf("got %q", got)
	}
}
