package timeline

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Picture says which series to draw, and how.
type Picture struct {
	Title  string
	Panels []Panel
}

// Panel is one diagram; all panels of a picture share the axis of time.
type Panel struct {
	// Label names the unit of the vertical axis.
	Label string
	Lines []Line
}

// Line is one series in a panel.
type Line struct {
	// Series is the recorder's name of it, Label what the reader sees.
	Series, Label string
	// Step draws values that hold until the next one, such as replicas.
	Step bool
	// Dashed sets a line apart that lies on another.
	Dashed bool
	// Colour is the number, from 1, of the palette's colour; 0 for that of the line's place in the panel.
	Colour int
}

const (
	width       = 26 * vg.Centimeter
	panelHeight = 5 * vg.Centimeter
	// legendWidth is kept free to the right of the panels.
	legendWidth = 4.8 * vg.Centimeter
)

// palette are colours that people with a colour blindness can tell apart (Okabe and Ito).
var palette = []color.RGBA{
	{0, 114, 178, 255},
	{213, 94, 0, 255},
	{0, 158, 115, 255},
	{204, 121, 167, 255},
	{86, 180, 233, 255},
}

// WriteSVG draws the picture: the texts of the events at the top, the panels
// below each other, and each event as a vertical line through all of them.
func (r *Recorder) WriteSVG(w io.Writer, p Picture) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.last()
	strip, err := r.strip(last)
	if err != nil {
		return fmt.Errorf("draw the events: %w", err)
	}
	strip.Title.Text, strip.Title.TextStyle.Font.Size = p.Title, vg.Points(10)
	rows, legends := [][]*plot.Plot{{strip}}, []plot.Legend{plot.NewLegend()}
	for _, panel := range p.Panels {
		drawn, legend, err := r.panel(panel, last)
		if err != nil {
			return fmt.Errorf("draw the panel %q: %w", panel.Label, err)
		}
		rows, legends = append(rows, []*plot.Plot{drawn}), append(legends, legend)
	}
	rows[len(rows)-1][0].X.Label.Text = "seconds"
	height := panelHeight * vg.Length(len(rows))
	canvas := vgsvg.New(width, height)
	area := draw.New(canvas)
	area.FillPolygon(color.White, []vg.Point{{}, {X: width}, {X: width, Y: height}, {Y: height}})
	tiles := draw.Tiles{
		Rows: len(rows), Cols: 1, PadY: vg.Points(6),
		PadTop: vg.Points(6), PadBottom: vg.Points(4), PadLeft: vg.Points(6), PadRight: legendWidth,
	}
	for i, row := range plot.Align(rows, tiles, area) {
		rows[i][0].Draw(row[0])
		beside := row[0].Rectangle
		beside.Min.X, beside.Max.X = width-legendWidth+vg.Points(8), width
		legends[i].Draw(draw.Canvas{Canvas: area.Canvas, Rectangle: beside})
	}
	_, err = canvas.WriteTo(w)
	return err
}

// last returns the second of the last point or event.
func (r *Recorder) last() float64 {
	last := 1.0
	for _, points := range r.series {
		for _, p := range points {
			last = max(last, r.Since(p.At))
		}
	}
	for _, e := range r.events {
		last = max(last, r.Since(e.At))
	}
	return last
}

// panel returns a diagram, and the legend that goes beside it.
func (r *Recorder) panel(panel Panel, last float64) (*plot.Plot, plot.Legend, error) {
	p, legend := plot.New(), plot.NewLegend()
	p.X.Min, p.X.Max = 0, last
	p.Y.Min, p.Y.Max = 0, 1
	p.X.Tick.Marker, p.Y.Tick.Marker = plainTicks{}, plainTicks{}
	p.Y.Label.Text = panel.Label
	legend.Top, legend.Left = true, true
	legend.Padding, legend.ThumbnailWidth, legend.TextStyle.Font.Size = vg.Points(3), vg.Points(16), vg.Points(9)
	grid := plotter.NewGrid()
	grid.Vertical.Color = color.Gray{230}
	grid.Horizontal.Color = color.Gray{230}
	p.Add(grid)
	for i, line := range panel.Lines {
		points := r.points(line, last)
		if len(points) == 0 {
			continue
		}
		drawn, err := plotter.NewLine(points)
		if err != nil {
			return nil, legend, err
		}
		colour := i
		if line.Colour > 0 {
			colour = line.Colour - 1
		}
		drawn.Color, drawn.Width = palette[colour%len(palette)], vg.Points(1.4)
		if line.Step {
			drawn.StepStyle = plotter.PostStep
		}
		if line.Dashed {
			drawn.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		}
		p.Add(drawn)
		legend.Add(line.Label, drawn)
	}
	p.Y.Max = math.Ceil(p.Y.Max * 1.1)
	return p, legend, r.addEvents(p)
}

// plainTicks are the usual ones with plain numbers, whole ones only: 500, not 500.00.
type plainTicks struct{}

// Ticks implements plot.Ticker.
func (plainTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i, t := range ticks {
		if t.Label != "" {
			ticks[i].Label = strconv.FormatFloat(t.Value, 'f', -1, 64)
		}
		if t.Value != math.Trunc(t.Value) {
			ticks[i].Label = ""
		}
	}
	return ticks
}

func (r *Recorder) points(line Line, last float64) plotter.XYs {
	var points plotter.XYs
	for _, point := range r.series[line.Series] {
		points = append(points, plotter.XY{X: r.Since(point.At), Y: point.Value})
	}
	if line.Step && len(points) > 0 {
		points = append(points, plotter.XY{X: last, Y: points[len(points)-1].Y})
	}
	return points
}

// strip is the row with the events' texts.
func (r *Recorder) strip(last float64) (*plot.Plot, error) {
	p := plot.New()
	p.HideAxes()
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, last, 0, 1
	const textFrom, size = 0.08, 7
	texts := make([]string, len(r.events))
	times, widths := make([]float64, len(r.events)), make([]float64, len(r.events))
	for i, e := range r.events {
		texts[i], times[i] = wrap(e.What), r.Since(e.At)
		lines := 1 + strings.Count(texts[i], "\n")
		widths[i] = last * float64(lines*(size+2)) / ((width - legendWidth).Points() - 40)
	}
	for i, x := range spread(times, widths, last) {
		leader, err := plotter.NewLine(plotter.XYs{{X: times[i], Y: 0}, {X: x, Y: textFrom - 0.01}})
		if err != nil {
			return nil, err
		}
		leader.Color, leader.Width = color.Gray{140}, vg.Points(0.5)
		labels, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: x, Y: textFrom}}, Labels: []string{texts[i]}})
		if err != nil {
			return nil, err
		}
		labels.TextStyle[0] = text.Style{
			Color: color.Gray{60}, Rotation: math.Pi / 2, XAlign: draw.XLeft, YAlign: draw.YCenter,
			Font: font.From(plot.DefaultFont, vg.Points(size)), Handler: plot.DefaultTextHandler,
		}
		p.Add(leader, plotted{labels})
	}
	return p, nil
}

// wrap breaks a text that is too long for the strip into two lines.
func wrap(what string) string {
	const most = 24
	if len(what) <= most {
		return what
	}
	if at := strings.LastIndex(what[:most], " "); at > 0 {
		return what[:at] + "\n" + what[at+1:]
	}
	return what
}

// spread moves texts of some width apart so far that they do not cover each other, and no text out of 0 to last
// where there is room. The times are sorted; the result is the texts' centres.
func spread(times, widths []float64, last float64) []float64 {
	at := slices.Clone(times)
	for i := 1; i < len(at); i++ {
		at[i] = max(at[i], at[i-1]+(widths[i-1]+widths[i])/2)
	}
	for i := len(at) - 1; i >= 0; i-- {
		limit := last
		if i+1 < len(at) {
			limit = at[i+1] - (widths[i]+widths[i+1])/2
		}
		at[i] = min(at[i], limit)
	}
	return at
}

// plotted is drawn, and takes no room of its own: a label longer than the strip would leave none for it.
type plotted struct{ plot.Plotter }

// addEvents draws the events' lines.
func (r *Recorder) addEvents(p *plot.Plot) error {
	for _, e := range r.events {
		x := r.Since(e.At)
		line, err := plotter.NewLine(plotter.XYs{{X: x, Y: 0}, {X: x, Y: p.Y.Max}})
		if err != nil {
			return err
		}
		line.Color, line.Dashes = color.Gray{140}, []vg.Length{vg.Points(1), vg.Points(2)}
		p.Add(line)
	}
	return nil
}
