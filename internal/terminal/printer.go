// Package terminal writes what the commands show to people. Names and messages
// come from brokers and from whoever may write a ScaledObject, so it is the one
// place that makes them printable: a topic's name neither moves the cursor nor
// breaks a table.
package terminal

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Printer writes lines and tables. It keeps the first error of the writer, and
// writes nothing after it, so that a layout reads without errors in it.
type Printer struct {
	w   io.Writer
	err error
}

// New returns a printer to w.
func New(w io.Writer) *Printer { return &Printer{w: w} }

// Err returns the first error of the writer.
func (p *Printer) Err() error { return p.err }

// Linef writes a line. Its arguments are made printable, the format is ours.
func (p *Printer) Linef(format string, args ...any) {
	if p.err != nil {
		return
	}
	for i := range args {
		args[i] = printable(args[i])
	}
	_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
}

// Table writes rows with their columns aligned.
func (p *Printer) Table(rows func(*Table)) {
	if p.err != nil {
		return
	}
	t := &Table{w: tabwriter.NewWriter(p.w, 0, 8, 2, ' ', 0)}
	rows(t)
	p.err = t.w.Flush()
}

// Table is a table that is being written.
type Table struct{ w *tabwriter.Writer }

// Row writes one row. Its cells are made printable. Without any it is an empty line.
func (t *Table) Row(cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = fmt.Sprint(printable(cell))
	}
	fmt.Fprintln(t.w, strings.Join(texts, "\t"))
}

// printable returns a value that shows as it is. Numbers stay what they are, for formats that want one.
func printable(v any) any {
	switch v := v.(type) {
	case int, int32, int64, float64, bool:
		return v
	case string:
		return fault.Printable(v)
	default:
		return fault.Printable(fmt.Sprint(v))
	}
}
