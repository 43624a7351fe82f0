package report

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/simulation/comparison"
)

// The picture's measures, in pixels.
const (
	pictureWidth = 1000
	panelHeight  = 200
	panelGap     = 46
	left, right  = 64, 16
	topMargin    = 62
)

// colours can be told apart by people with a colour blindness (Okabe and Ito).
var colours = [...]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

// mostLines is how many policies a picture shows.
const mostLines = len(colours)

// line is a curve through the minutes.
type line struct {
	label, colour string
	values        []float64
}

// SVG draws the arrivals, the replicas of targetLatency and its nearest rivals, and the share of the records of
// each minute that came too late.
func SVG(w io.Writer, c *comparison.Comparison, objective int) error {
	rows := nearest(c, objective)
	if len(rows) == 0 {
		return nil
	}
	arrivals := line{label: "records a second", colour: "#555555"}
	for _, p := range rows[0].Timeline {
		arrivals.values = append(arrivals.values, float64(p.Arrived)/time.Minute.Seconds())
	}
	var replicas, late []line
	for i, r := range rows {
		a, b := line{name(r), colours[i], nil}, line{name(r), colours[i], nil}
		for _, p := range r.Timeline {
			a.values = append(a.values, p.Replicas)
			b.values = append(b.values, 100*float64(p.Late[objective])/math.Max(1, float64(p.Arrived)))
		}
		replicas, late = append(replicas, a), append(late, b)
	}
	height := topMargin + 3*(panelHeight+panelGap)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", pictureWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", pictureWidth, height)
	fmt.Fprintf(&b, `<text x="%d" y="22" font-size="15">%s</text>`+"\n", left, html.EscapeString(title(c, objective)))
	legend(&b, replicas)
	length := c.Setup.Scenario.Length
	panel(&b, topMargin, "records arriving, a second", []line{arrivals}, length)
	panel(&b, topMargin+panelHeight+panelGap, "replicas", replicas, length)
	panel(&b, topMargin+2*(panelHeight+panelGap), "% of a minute's records too late", late, length)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func title(c *comparison.Comparison, objective int) string {
	return fmt.Sprintf("%s of the records within %s", percent(c.Setup.Attainment), comparison.Short(c.Setup.Scenario.Objectives[objective]))
}

// nearest are targetLatency, the user's own threshold or the best one, and the cheapest others that attain the
// objective.
func nearest(c *comparison.Comparison, objective int) []comparison.Row {
	var rows, others []comparison.Row
	for _, r := range c.Table(objective) {
		switch r.Kind {
		case comparison.KindLatency, comparison.KindOwn, comparison.KindLag:
			rows = append(rows, r)
		default:
			others = append(others, r)
		}
	}
	for len(rows) < mostLines && len(others) > 0 {
		best := c.Best(others)
		rows = append(rows, best)
		rest := others[:0:0]
		for _, r := range others {
			if r.Kind != best.Kind {
				rest = append(rest, r)
			}
		}
		others = rest
	}
	return rows
}

func legend(b *strings.Builder, lines []line) {
	x := left
	for _, l := range lines {
		fmt.Fprintf(b, `<rect x="%d" y="34" width="14" height="4" fill="%s"/><text x="%d" y="41">%s</text>`+"\n",
			x, l.colour, x+18, html.EscapeString(l.label))
		x += 30 + 7*len(l.label)
	}
}

// panel draws lines over time, with an axis to the left and hours below.
func panel(b *strings.Builder, y int, label string, lines []line, length time.Duration) {
	most := 0.0
	for _, l := range lines {
		for _, v := range l.values {
			most = math.Max(most, v)
		}
	}
	tick := step(most / 4)
	most = tick * math.Max(1, math.Ceil(most/tick))
	width := float64(pictureWidth - left - right)
	place := func(v float64) float64 { return float64(y) + panelHeight*(1-v/most) }
	fmt.Fprintf(b, `<text x="%d" y="%d" fill="#333333">%s</text>`+"\n", left, y-8, html.EscapeString(label))
	for v := 0.0; v <= most*1.0001; v += tick {
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%.4g</text>`+"\n",
			left, pictureWidth-right, place(v), place(v), left-6, place(v)+4, v)
	}
	hours := length.Hours()
	for h, by := 0.0, step(hours/8); h <= hours*1.0001; h += by {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%.4g h</text>`+"\n", left+width*h/hours, y+panelHeight+16, h)
	}
	for _, l := range lines {
		b.WriteString(`<polyline fill="none" stroke="` + l.colour + `" stroke-width="1.3" points="`)
		for i, v := range l.values {
			fmt.Fprintf(b, "%.1f,%.1f ", left+width*(float64(i)+0.5)/float64(len(l.values)), place(v))
		}
		b.WriteString("\"/>\n")
	}
}

// step is the smallest of 1, 2 and 5 times a power of ten that is at least v.
func step(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v*0.9999 {
			return m * power
		}
	}
	return 10 * power
}
