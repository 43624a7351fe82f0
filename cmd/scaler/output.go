package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
)

// output is the -o flag of the commands that show something.
type output struct{ choice }

func (o *output) add(flags *pflag.FlagSet) {
	o.choice = choice{value: "table", allowed: []string{"table", "json", "yaml"}}
	flags.VarP(o, "output", "o", o.usage("`FORMAT` of the output"))
}

// write shows v: as text with table, or as its JSON in JSON or YAML.
func (o *output) write(w io.Writer, v any, table func(io.Writer) error) error {
	switch o.value {
	case "json":
		return terminal.JSON(w, v)
	case "yaml":
		return terminal.YAML(w, v)
	default:
		return table(w)
	}
}

// count is a number of things whose name takes an s where they are not one.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// isTerminal tells whether a person watches w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
