// Package target is what the commands are pointed at: a Kafka cluster, and files of
// ScaledObjects.
package target

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/wiring"
	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// ConfigUsage is the help of --config wherever there is one.
const ConfigUsage = "configuration `FILE`"

// Cluster is the Kafka cluster that a command reads by itself, as its flags name it.
type Cluster struct {
	// Config is the path of the configuration; empty for none.
	Config           string
	cluster          string
	bootstrapServers []string
	tls              bool
}

// Add adds the flags to those of a command.
func (t *Cluster) Add(flags *pflag.FlagSet) {
	flags.StringVar(&t.Config, "config", "", ConfigUsage+", or Kubernetes manifests with a ConfigMap that has it under "+manifest.ConfigKey)
	flags.StringVar(&t.cluster, "cluster", "", "`NAME` of a cluster of the configuration; not needed where it has only one")
	flags.StringSliceVar(&t.bootstrapServers, "bootstrap-servers", nil, "`HOST:PORT,...` of a cluster that is not in the configuration")
	flags.BoolVar(&t.tls, "tls", false, "use TLS, with --bootstrap-servers")
}

// Usage returns what is wrong with the flags together.
func (t *Cluster) Usage() error {
	switch {
	case t.cluster != "" && len(t.bootstrapServers) > 0:
		return cli.Usagef("--cluster and --bootstrap-servers name two clusters; give one of them")
	case t.tls && len(t.bootstrapServers) == 0:
		return cli.Usagef("--tls belongs to --bootstrap-servers; for a cluster of the configuration, set tls there")
	default:
		return nil
	}
}

// Connection returns the cluster that the flags name, or the only one there is.
func (t *Cluster) Connection(c config.Config) (trigger.Connection, error) {
	switch {
	case len(t.bootstrapServers) > 0:
		return trigger.Connection{BootstrapServers: t.bootstrapServers, TLS: t.tls, SASL: config.SASLNone}, nil
	case t.cluster != "":
		return trigger.Connection{Cluster: t.cluster, SASL: config.SASLNone}, nil
	case len(c.Clusters) == 1:
		return trigger.Connection{Cluster: c.Clusters[0].Name, SASL: config.SASLNone}, nil
	case len(c.Clusters) == 0:
		return trigger.Connection{}, cli.Usagef("no cluster to read: give --bootstrap-servers, or --config with a cluster in it")
	default:
		return trigger.Connection{}, cli.Usagef("which cluster? give --cluster with one of %s", strings.Join(wiring.ClusterNames(c), ", "))
	}
}

// Load returns the configuration. The error is one of usage where the flags do not go
// together. Whoever sits at the command line may name any address: the allow list is for
// triggers.
func (t *Cluster) Load() (config.Config, error) {
	if err := t.Usage(); err != nil {
		return config.Config{}, err
	}
	c := config.WithoutFile()
	if t.Config != "" {
		var err error
		if c, err = config.LoadFrom(t.Config, manifest.Configuration); err != nil {
			return config.Config{}, err
		}
	}
	if len(t.bootstrapServers) > 0 {
		c.InlineBootstrapServers.Allow = []string{"*"}
	}
	return c, nil
}

// Named reports whether the flags name a cluster themselves.
func (t *Cluster) Named() bool { return t.cluster != "" || len(t.bootstrapServers) > 0 }

// ByAddress reports whether they do so by its addresses.
func (t *Cluster) ByAddress() bool { return len(t.bootstrapServers) > 0 }

// ReplaceIn puts the cluster that the flags name, if they name one, in the place
// of the one in a trigger's metadata. It changes the metadata, and leaves only those
// unset variables that the trigger still lacks: a key that is refused with any value
// stays in the metadata, to be refused.
func (t *Cluster) ReplaceIn(of manifest.Trigger) manifest.Trigger {
	const servers, cluster = "bootstrapServers", "cluster"
	replaces := t.Named()
	if replaces {
		for _, key := range []string{servers, servers + fromEnv, cluster, cluster + fromEnv} {
			delete(of.Metadata, key)
		}
	}
	switch {
	case t.cluster != "":
		of.Metadata[cluster] = t.cluster
	case replaces:
		of.Metadata[servers] = strings.Join(t.bootstrapServers, ",")
		if t.tls {
			of.Metadata["tls"] = "enable"
		}
	}
	for _, v := range of.Unset {
		// With the variable's name for a value: where KEDA looks, it may well be set.
		if !trigger.ReadFromEnv(v.Key) {
			of.Metadata[v.Key] = v.Name
		}
	}
	of.Unset = slices.DeleteFunc(slices.Clone(of.Unset), func(v manifest.Variable) bool {
		key := strings.TrimSuffix(v.Key, fromEnv)
		return of.Metadata[key] != "" || of.Metadata[v.Key] != "" || replaces && (key == servers || key == cluster)
	})
	return of
}

const fromEnv = "FromEnv"
