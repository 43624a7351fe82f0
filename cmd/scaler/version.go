package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
)

// linkedVersion is set by the linker (-X main.linkedVersion=v1.2.3) where the
// build has no version control to ask, as in a container image.
var linkedVersion string

// build says which build this is.
type build struct {
	Version string `json:"version"`
	// Revision is the commit, with -dirty where the tree had changes; empty where it is not known.
	Revision  string `json:"revision,omitempty"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

func readBuild() build {
	b := build{Version: "unknown", GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			b.Version = info.Main.Version
		}
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		b.Revision = settings["vcs.revision"]
		if b.Revision != "" && settings["vcs.modified"] == "true" {
			b.Revision += "-dirty"
		}
	}
	if linkedVersion != "" {
		b.Version = linkedVersion
	}
	return b
}

func newVersion(p cli.Process) *cobra.Command {
	output := cli.Choice{Value: "text", Allowed: []string{"text", "json"}}
	c := &cobra.Command{
		Use:   "version",
		Short: "Print which build this is",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := readBuild()
			if output.Value == "json" {
				e := json.NewEncoder(p.Stdout)
				e.SetIndent("", "  ")
				return e.Encode(b)
			}
			_, err := fmt.Fprintf(p.Stdout, "kafka-scaler %s (%s, %s)\n", b.Version, b.GoVersion, b.Platform)
			return err
		},
	}
	c.Flags().VarP(&output, "output", "o", output.Usage("`FORMAT`"))
	return c
}
