package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen shows rows and notes: lines that stay, and on a terminal below them the latest row, which
// is redrawn in place.
type screen struct {
	w     io.Writer
	live  bool
	color bool
	width func() int
	drawn int    // lines of the live row that are on the screen
	last  string // last row that stays, without its time
	cause string // what the reason of the last row that stays begins with
}

const plainWidth = 1 << 10

func newScreen(w io.Writer, plain bool) *screen {
	s := &screen{w: w, width: func() int { return plainWidth }}
	f, ok := w.(*os.File)
	if plain || !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return s
	}
	s.live = true
	// https://no-color.org
	s.color = os.Getenv("NO_COLOR") == ""
	s.width = func() int {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 20 {
			return w
		}
		return 80
	}
	return s
}

// Styles, as parameters of ANSI's SGR.
const (
	styleBold   = "1"
	styleDim    = "2"
	styleGreen  = "32"
	styleYellow = "33"
	styleRed    = "31"
)

func (s *screen) styled(style, text string) string {
	if !s.color || style == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// line prints a line that stays.
func (s *screen) line(style, format string, args ...any) {
	text := s.styled(style, fmt.Sprintf(format, args...))
	fmt.Fprint(s.w, s.erased(), text, "\n")
}

// erased is what takes the live row off the screen.
func (s *screen) erased() string {
	if s.drawn == 0 {
		return ""
	}
	up := strings.Repeat("\x1b[1A\x1b[2K", s.drawn-1)
	s.drawn = 0
	return "\r\x1b[2K" + up
}

// clear takes the live row off the screen, for what others write after it.
func (s *screen) clear() { fmt.Fprint(s.w, s.erased()) }

const (
	columns = "%7s  %5s  %6s  %7s  %-6s  %8s  %7s"
	indent  = "           "
)

func (s *screen) head() {
	text := fmt.Sprintf(columns, "TIME", "IN/s", "LAG", "METRIC", "ACTIVE", "REPLICAS", "MEMBERS")
	s.line(styleBold, "%s", text+"  WHY")
}

// keep prints a row that stays, unless it is the same as the one before but for its time.
func (s *screen) keep(m moment) {
	row, why := figures(m), oneLine(m.why())
	rest := row[7:] + why
	if rest == s.last {
		return
	}
	s.last = rest
	cause, _, _ := strings.Cut(why, ":")
	lines := s.fit(row, why)
	if cause == s.cause {
		// A narrow terminal shows the whole reason once, not once a second.
		lines = lines[:1]
	}
	s.cause = cause
	for _, l := range lines {
		s.line("", "%s", l)
	}
}

// draw redraws the live row, where there is one.
func (s *screen) draw(m moment) {
	if !s.live {
		return
	}
	lines := s.fit(figures(m), oneLine(m.why()))
	for i := range lines {
		lines[i] = s.styled(styleDim, lines[i])
	}
	fmt.Fprint(s.w, s.erased(), strings.Join(lines, "\n"))
	s.drawn = len(lines)
}

// fit puts the reason behind the row, or below it where the screen is too narrow. No line is
// wider than the screen.
func (s *screen) fit(row, why string) []string {
	width := s.width() - 1
	if full := row + "  " + why; utf8.RuneCountInString(full) <= width {
		return []string{full}
	}
	return []string{cut(row, width), cut(indent+why, width)}
}

func figures(m moment) string {
	lag, metric, active := "?", "?", "?"
	if m.known() {
		d := m.decision()
		lag = fmt.Sprint(m.explained.GetTotalLag())
		metric = fmt.Sprintf("%d/%d", d.GetValue(), d.GetTarget())
		active = map[bool]string{true: "yes", false: "no"}[d.GetActive()]
	}
	return fmt.Sprintf(columns, clock(m.at), fmt.Sprintf("%.0f", m.produced), lag, metric, active,
		fmt.Sprint(m.replicas), fmt.Sprint(m.members))
}

// note tells about a moment between two rows.
func (s *screen) note(style string, at time.Duration, text string) {
	s.line(style, "%7s  > %s", clock(at), text)
}

func clock(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-3]) + "..."
}
