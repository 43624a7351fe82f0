package cli

import (
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
)

// Output is the -o flag of the commands that show something.
type Output struct{ Choice }

// Add adds it to the flags of a command.
func (o *Output) Add(flags *pflag.FlagSet) {
	o.Choice = Choice{Value: "table", Allowed: []string{"table", "json", "yaml"}}
	flags.VarP(o, "output", "o", o.Usage("`FORMAT` of the output"))
}

// Write shows v: as text with table, or as its JSON in JSON or YAML.
func (o *Output) Write(w io.Writer, v any, table func(io.Writer) error) error {
	switch o.Value {
	case "json":
		return terminal.JSON(w, v)
	case "yaml":
		return terminal.YAML(w, v)
	default:
		return table(w)
	}
}

// IsTerminal tells whether a person watches w.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
