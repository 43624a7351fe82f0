// Package timeline records what happens in a scenario and writes it down: as CSV
// for a second look, and as a picture for everybody.
package timeline

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Recorder collects values over time and events. Its methods may be called from
// several goroutines.
type Recorder struct {
	began time.Time

	mu     sync.Mutex
	series map[string][]Point
	events []Event
}

// Point is a value at a time.
type Point struct {
	At    time.Time
	Value float64
}

// Event is something that happened at once.
type Event struct {
	At   time.Time
	What string
}

// New returns a recorder whose time 0 is now.
func New() *Recorder {
	return &Recorder{began: time.Now(), series: map[string][]Point{}}
}

// Add notes the value of a series as it is now.
func (r *Recorder) Add(series string, value float64) { r.AddAt(series, time.Now(), value) }

// AddAt notes the value of a series at a time that is not before its last one.
func (r *Recorder) AddAt(series string, at time.Time, value float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.series[series] = append(r.series[series], Point{at, value})
}

// Event notes that something happened now, and returns when that was.
func (r *Recorder) Event(what string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.events = append(r.events, Event{now, what})
	return now
}

// Series returns a copy of a series, by time.
func (r *Recorder) Series(name string) []Point {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.series[name])
}

// Began is time 0 of the table and the picture.
func (r *Recorder) Began() time.Time { return r.began }

// Since returns how many seconds after time 0 a time is.
func (r *Recorder) Since(at time.Time) float64 { return at.Sub(r.began).Seconds() }

// WriteCSV writes one row for each point and event, by time: the seconds since
// time 0, the name of the series ("event" for an event), and the value or the text.
func (r *Recorder) WriteCSV(w io.Writer) error {
	type row struct {
		at          time.Time
		name, value string
	}
	var rows []row
	r.mu.Lock()
	for name, points := range r.series {
		for _, p := range points {
			rows = append(rows, row{p.At, name, strconv.FormatFloat(p.Value, 'f', -1, 64)})
		}
	}
	for _, e := range r.events {
		rows = append(rows, row{e.At, "event", e.What})
	}
	r.mu.Unlock()
	slices.SortStableFunc(rows, func(a, b row) int { return a.at.Compare(b.at) })
	out := csv.NewWriter(w)
	if err := out.Write([]string{"seconds", "series", "value"}); err != nil {
		return err
	}
	for _, line := range rows {
		if err := out.Write([]string{strconv.FormatFloat(r.Since(line.at), 'f', 3, 64), line.name, line.value}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
