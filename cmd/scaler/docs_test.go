package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
)

var update = flag.Bool("update", false, "write the generated pages in docs")

// verify holds a generated page in docs to the code.
func verify(t *testing.T, file, want string) {
	t.Helper()
	path := "../../docs/" + file
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/%s is not what the code says; run go test ./cmd/scaler -update (-code +file):\n%s", file, diff)
	}
}

// TestCommandPage: docs/cli.md is made from the commands themselves.
func TestCommandPage(t *testing.T) {
	var page bytes.Buffer
	page.WriteString(`<!-- Generated from the commands: go test ./cmd/scaler -update -->
# Commands and flags

Every flag that names an environment variable may be given by it. Flags win over
variables, variables over the configuration file, and that over the defaults.

Exit codes: 0 for success, 1 for a failure, 2 for wrong usage.
`)
	root := newRoot(cli.Process{})
	root.InitDefaultCompletionCmd()
	eachCommand(root, func(c *cobra.Command) {
		if c.IsAdditionalHelpTopicCommand() || c.Hidden || c.Parent() != nil && c.Parent().Name() == "completion" {
			return
		}
		writeCommand(&page, c)
	})
	verify(t, "cli.md", page.String())
}

func writeCommand(w *bytes.Buffer, c *cobra.Command) {
	c.InitDefaultHelpFlag()
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	use := c.UseLine()
	if c.HasAvailableSubCommands() {
		use = c.CommandPath() + " COMMAND"
	}
	fmt.Fprintf(w, "\n## %s\n\n```\n%s\n```\n\n%s\n", c.CommandPath(), use, strings.TrimSpace(text))
	var rows []string
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && !f.Hidden {
			rows = append(rows, flagRow(f))
		}
	})
	if len(rows) > 0 {
		fmt.Fprintf(w, "\n| flag | environment variable | default | meaning |\n|---|---|---|---|\n%s", strings.Join(rows, ""))
	}
	if c.Example != "" {
		fmt.Fprintf(w, "\n```\n%s\n```\n", strings.TrimRight(c.Example, "\n"))
	}
}

func flagRow(f *pflag.Flag) string {
	placeholder, usage := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	if placeholder != "" && f.NoOptDefVal == "" {
		name += " " + placeholder
	}
	variable := ""
	if names := f.Annotations[cli.EnvironmentKey]; len(names) > 0 {
		variable = "`" + names[0] + "`"
		usage = strings.TrimSuffix(usage, " [$"+names[0]+"]")
	}
	byDefault := ""
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
		byDefault = "`" + f.DefValue + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, variable, byDefault, strings.ReplaceAll(usage, "|", "\\|"))
}
