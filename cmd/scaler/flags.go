package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
)

// configUsage is the help of --config wherever there is one.
const configUsage = "configuration `FILE`"

// serveFlags are the flags of serve. Their defaults are those of the
// configuration, so that help shows what holds without any of them.
type serveFlags struct {
	config     string
	grpc, http address
	level      choice
	format     choice
}

func (f *serveFlags) add(flags *pflag.FlagSet) {
	d := config.Default()
	f.grpc, f.http = address(d.GRPC.ListenAddress), address(d.HTTP.ListenAddress)
	f.level = choice{value: d.Log.Level, allowed: []string{"debug", "info", "warn", "error"}}
	f.format = choice{value: d.Log.Format, allowed: []string{"json", "console"}}
	flags.StringVar(&f.config, "config", "", configUsage+"; without one, any bootstrapServers in a trigger is accepted")
	flags.Var(&f.grpc, "grpc-listen-address", "where KEDA asks, `HOST:PORT`")
	flags.Var(&f.http, "http-listen-address", "where metrics and health are, `HOST:PORT`")
	flags.Var(&f.level, "log-level", f.level.usage("`LEVEL` from which on to log"))
	flags.Var(&f.format, "log-format", f.format.usage("`FORMAT` of the log"))
	addEnvironment(flags)
}

// watcher returns the way to the configuration: the file, and what flags put in its place.
func (f *serveFlags) watcher(flags *pflag.FlagSet) *config.Watcher {
	return &config.Watcher{
		Path: f.config,
		Override: func(c *config.Config) {
			for name, set := range map[string]func(){
				"grpc-listen-address": func() { c.GRPC.ListenAddress = string(f.grpc) },
				"http-listen-address": func() { c.HTTP.ListenAddress = string(f.http) },
				"log-level":           func() { c.Log.Level = f.level.value },
				"log-format":          func() { c.Log.Format = f.format.value },
			} {
				if flags.Changed(name) {
					set()
				}
			}
		},
	}
}

// choice is a flag that takes one of a few words.
type choice struct {
	value   string
	allowed []string
}

// String implements pflag.Value.
func (c *choice) String() string { return c.value }

// Type implements pflag.Value.
func (c *choice) Type() string { return "string" }

// Set implements pflag.Value.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("needs one of %s", strings.Join(c.allowed, ", "))
	}
	c.value = s
	return nil
}

func (c *choice) usage(text string) string { return text + ": " + strings.Join(c.allowed, ", ") }

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
