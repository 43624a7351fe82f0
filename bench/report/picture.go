package report

import (
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/kafka-scaler/kafka-scaler/bench/measure"
	"github.com/kafka-scaler/kafka-scaler/bench/rival"
)

const (
	panelWidth  = 9 * vg.Centimeter
	panelHeight = 6 * vg.Centimeter
	// legendHeight is left free above the panels, for who is who.
	legendHeight = 2 * vg.Centimeter
)

// cost is one row of the picture.
type cost struct {
	label string
	of    func(measure.Point) float64
}

func costs() []cost {
	return []cost{
		{"CPU a round, ms", func(p measure.Point) float64 { return p.CPUMS }},
		{"requests a round", func(p measure.Point) float64 { return p.Requests }},
		{"connections", func(p measure.Point) float64 { return float64(p.Connections) }},
		{"resident memory, MiB", func(p measure.Point) float64 { return float64(p.RSS) / mebi }},
	}
}

// palette are colours that people with a colour blindness can tell apart (Okabe and Ito).
func palette() map[string]color.Color {
	return map[string]color.Color{
		measure.Own:       color.RGBA{0, 114, 178, 255},
		rival.Kafka:       color.RGBA{213, 94, 0, 255},
		rival.KafkaLean:   color.RGBA{0, 158, 115, 255},
		rival.ApacheKafka: color.RGBA{204, 121, 167, 255},
	}
}

// Picture draws the cost of a round against triggers, partitions and brokers, one
// line a contender, both axes logarithmic. A contender that had to stop has a ring
// where it did.
func (r *Result) Picture(w io.Writer) error {
	axes := []string{measure.ByTriggers, measure.ByPartitions, measure.ByBrokers}
	rows := costs()
	width, height := panelWidth*vg.Length(len(axes)), panelHeight*vg.Length(len(rows))+legendHeight
	canvas := vgsvg.New(width, height)
	area := draw.New(canvas)
	area.FillPolygon(color.White, []vg.Point{{}, {X: width}, {X: width, Y: height}, {Y: height}})
	plots := make([][]*plot.Plot, len(rows))
	legend := plot.NewLegend()
	legend.Top, legend.Left, legend.YOffs, legend.Padding = true, true, -legendHeight/8, vg.Points(2)
	for i, row := range rows {
		for _, axis := range axes {
			var who *plot.Legend
			if i == 0 && axis == axes[0] {
				who = &legend
			}
			p, err := r.panel(row, axis, who)
			if err != nil {
				return err
			}
			plots[i] = append(plots[i], p)
		}
	}
	tiles := draw.Tiles{
		Rows: len(rows), Cols: len(axes), PadX: vg.Points(10), PadY: vg.Points(8),
		PadTop: legendHeight, PadBottom: vg.Points(4), PadLeft: vg.Points(6), PadRight: vg.Points(14),
	}
	for i, row := range plot.Align(plots, tiles, area) {
		for j := range row {
			plots[i][j].Draw(row[j])
		}
	}
	legend.Draw(draw.Crop(area, panelWidth/4, 0, 0, 0))
	_, err := canvas.WriteTo(w)
	return err
}

func (r *Result) panel(row cost, axis string, legend *plot.Legend) (*plot.Plot, error) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = axis, row.label
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = decades{}, decades{}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{230}, color.Gray{230}
	p.Add(grid)
	lowX, highX, lowY, highY := math.Inf(1), 1.0, math.Inf(1), 1.0
	for _, who := range append([]string{measure.Own}, rival.All()...) {
		var done, stopped plotter.XYs
		for _, point := range r.Points {
			y := row.of(point)
			if point.Who != who || point.Axis != axis || y <= 0 {
				continue
			}
			xy := plotter.XY{X: float64(point.X), Y: y}
			lowX, highX, lowY, highY = min(lowX, xy.X), max(highX, xy.X), min(lowY, xy.Y), max(highY, xy.Y)
			if point.Stopped != "" {
				stopped = append(stopped, xy)
				continue
			}
			done = append(done, xy)
		}
		if err := add(p, who, done, stopped, legend); err != nil {
			return nil, err
		}
	}
	if math.IsInf(lowX, 1) {
		lowX, lowY = 1, 1
	}
	p.X.Min, p.X.Max = lowX*0.8, max(highX, lowX*2)*1.25
	p.Y.Min, p.Y.Max = lowY*0.6, max(highY, lowY*2)*2
	return p, nil
}

func add(p *plot.Plot, who string, done, stopped plotter.XYs, legend *plot.Legend) error {
	shade := palette()[who]
	if len(done) > 0 {
		line, points, err := plotter.NewLinePoints(done)
		if err != nil {
			return err
		}
		line.Color, line.Width = shade, vg.Points(1.4)
		points.Color, points.Shape, points.Radius = shade, draw.CircleGlyph{}, vg.Points(2.2)
		p.Add(line, points)
		if legend != nil {
			legend.Add(who, line)
		}
	}
	if len(stopped) > 0 {
		ring, err := plotter.NewScatter(stopped)
		if err != nil {
			return err
		}
		ring.Color, ring.Shape, ring.Radius = shade, draw.RingGlyph{}, vg.Points(4)
		p.Add(ring)
	}
	return nil
}

// decades are ticks at 1, 2 and 5 of each power of ten, with plain numbers at the powers.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := m * power; v >= low && v <= high {
				label := ""
				if m == 1 || high/low < 30 {
					label = strconv.FormatFloat(v, 'g', -1, 64)
				}
				ticks = append(ticks, plot.Tick{Value: v, Label: label})
			}
		}
	}
	return ticks
}
