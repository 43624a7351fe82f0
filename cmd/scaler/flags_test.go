package main

import (
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
)

// TestPrecedence: a flag wins over the environment, that over the file, and that over the default.
func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	writeFile(t, file, "log: {level: warn}\nhttp: {listenAddress: ':1'}\n")
	for name, tc := range map[string]struct {
		args        []string
		env         map[string]string
		level, http string
	}{
		"default":            {level: "info", http: ":8080"},
		"file":               {args: []string{"--config", file}, level: "warn", http: ":1"},
		"file by variable":   {env: map[string]string{"KAFKA_SCALER_CONFIG": file}, level: "warn", http: ":1"},
		"variable over file": {args: []string{"--config", file}, env: map[string]string{"KAFKA_SCALER_LOG_LEVEL": "error"}, level: "error", http: ":1"},
		"variable over default": {
			env:   map[string]string{"KAFKA_SCALER_HTTP_LISTEN_ADDRESS": ":2", "KAFKA_SCALER_LOG_LEVEL": ""},
			level: "info", http: ":2",
		},
		"flag over variable and file": {
			args: []string{"--config", file, "--log-level", "info", "--http-listen-address", ":3"},
			env:  map[string]string{"KAFKA_SCALER_LOG_LEVEL": "error", "KAFKA_SCALER_HTTP_LISTEN_ADDRESS": ":2"}, level: "info", http: ":3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var f serveFlags
			flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
			f.add(flags)
			if err := flags.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			if err := cli.ReadEnvironment(flags, func(k string) (string, bool) { v, ok := tc.env[k]; return v, ok }); err != nil {
				t.Fatal(err)
			}
			c, err := firstConfig(f.watcher(flags))
			if err != nil {
				t.Fatal(err)
			}
			if c.Log.Level != tc.level || c.HTTP.ListenAddress != tc.http {
				t.Errorf("got level %s and address %s, want %s and %s", c.Log.Level, c.HTTP.ListenAddress, tc.level, tc.http)
			}
		})
	}
}
