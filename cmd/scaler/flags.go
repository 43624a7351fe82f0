package main

import (
	"errors"
	"net"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/target"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
)

// serveFlags are the flags of serve. Their defaults are those of the
// configuration, so that help shows what holds without any of them.
type serveFlags struct {
	config     string
	grpc, http address
	level      cli.Choice
	format     cli.Choice
}

func (f *serveFlags) add(flags *pflag.FlagSet) {
	d := config.Default()
	f.grpc, f.http = address(d.GRPC.ListenAddress), address(d.HTTP.ListenAddress)
	f.level = cli.Choice{Value: d.Log.Level, Allowed: []string{"debug", "info", "warn", "error"}}
	f.format = cli.Choice{Value: d.Log.Format, Allowed: []string{"json", "console"}}
	flags.StringVar(&f.config, "config", "", target.ConfigUsage+"; without one, any bootstrapServers in a trigger is accepted")
	flags.Var(&f.grpc, "grpc-listen-address", "where KEDA asks, `HOST:PORT`")
	flags.Var(&f.http, "http-listen-address", "where metrics and health are, `HOST:PORT`")
	flags.Var(&f.level, "log-level", f.level.Usage("`LEVEL` from which on to log"))
	flags.Var(&f.format, "log-format", f.format.Usage("`FORMAT` of the log"))
	cli.AddEnvironment(flags)
}

// watcher returns the way to the configuration: the file, and what flags put in its place.
func (f *serveFlags) watcher(flags *pflag.FlagSet) *config.Watcher {
	return &config.Watcher{
		Path: f.config,
		Override: func(c *config.Config) {
			for name, set := range map[string]func(){
				"grpc-listen-address": func() { c.GRPC.ListenAddress = string(f.grpc) },
				"http-listen-address": func() { c.HTTP.ListenAddress = string(f.http) },
				"log-level":           func() { c.Log.Level = f.level.Value },
				"log-format":          func() { c.Log.Format = f.format.Value },
			} {
				if flags.Changed(name) {
					set()
				}
			}
		},
	}
}

// address is a flag that takes host:port, or :port for every address of the machine.
type address string

// String implements pflag.Value.
func (a *address) String() string { return string(*a) }

// Type implements pflag.Value.
func (a *address) Type() string { return "string" }

// Set implements pflag.Value.
func (a *address) Set(s string) error {
	if _, _, err := net.SplitHostPort(s); err != nil {
		return errors.New("needs HOST:PORT or :PORT")
	}
	*a = address(s)
	return nil
}
