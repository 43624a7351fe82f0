package simulate

import (
	"fmt"
	"io"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
)

// bar is a progress bar on a terminal. It draws nothing where nobody watches.
type bar struct {
	w     io.Writer
	shown string
}

func newBar(w io.Writer) *bar {
	if !cli.IsTerminal(w) {
		return &bar{}
	}
	return &bar{w: w}
}

const (
	barWidth = 30
	// textWidth keeps the line on a terminal of 80 columns.
	textWidth   = 40
	clearToEnd  = "\x1b[K"
	startOfLine = "\r"
)

// show draws what is being done, and the share of all that is behind it, where that changes the line.
func (b *bar) show(what string, share float64) {
	if b.w == nil {
		return
	}
	full := min(barWidth, int(share*barWidth))
	line := fmt.Sprintf("[%s%s] %3.0f %% %.*s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*share, textWidth, what)
	if line != b.shown {
		b.shown = line
		fmt.Fprint(b.w, startOfLine+line+clearToEnd)
	}
}

// clear takes the line away.
func (b *bar) clear() {
	if b.w != nil && b.shown != "" {
		fmt.Fprint(b.w, startOfLine+clearToEnd)
	}
}
