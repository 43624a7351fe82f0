package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/metrics"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// target is the Kafka cluster that a command reads by itself, as its flags name it.
type target struct {
	config           string
	cluster          string
	bootstrapServers []string
	tls              bool
}

func (t *target) add(flags *pflag.FlagSet) {
	flags.StringVar(&t.config, "config", "", configUsage+", or Kubernetes manifests with a ConfigMap that has it under "+manifest.ConfigKey)
	flags.StringVar(&t.cluster, "cluster", "", "`NAME` of a cluster of the configuration; not needed where it has only one")
	flags.StringSliceVar(&t.bootstrapServers, "bootstrap-servers", nil, "`HOST:PORT,...` of a cluster that is not in the configuration")
	flags.BoolVar(&t.tls, "tls", false, "use TLS, with --bootstrap-servers")
}

// usage returns what is wrong with the flags together.
func (t *target) usage() error {
	switch {
	case t.cluster != "" && len(t.bootstrapServers) > 0:
		return usagef("--cluster and --bootstrap-servers name two clusters; give one of them")
	case t.tls && len(t.bootstrapServers) == 0:
		return usagef("--tls belongs to --bootstrap-servers; for a cluster of the configuration, set tls there")
	default:
		return nil
	}
}

// connection returns the cluster that the flags name, or the only one there is.
func (t *target) connection(c config.Config) (trigger.Connection, error) {
	switch {
	case len(t.bootstrapServers) > 0:
		return trigger.Connection{BootstrapServers: t.bootstrapServers, TLS: t.tls, SASL: config.SASLNone}, nil
	case t.cluster != "":
		return trigger.Connection{Cluster: t.cluster, SASL: config.SASLNone}, nil
	case len(c.Clusters) == 1:
		return trigger.Connection{Cluster: c.Clusters[0].Name, SASL: config.SASLNone}, nil
	case len(c.Clusters) == 0:
		return trigger.Connection{}, usagef("no cluster to read: give --bootstrap-servers, or --config with a cluster in it")
	default:
		return trigger.Connection{}, usagef("which cluster? give --cluster with one of %s", strings.Join(clusterNames(c), ", "))
	}
}

// load returns the configuration. The error is one of usage where the flags do not go
// together. Whoever sits at the command line may name any address: the allow list is for
// triggers.
func (t *target) load() (config.Config, error) {
	if err := t.usage(); err != nil {
		return config.Config{}, err
	}
	c := config.WithoutFile()
	if t.config != "" {
		var err error
		if c, err = config.LoadFrom(t.config, manifest.Configuration); err != nil {
			return config.Config{}, err
		}
	}
	if len(t.bootstrapServers) > 0 {
		c.InlineBootstrapServers.Allow = []string{"*"}
	}
	return c, nil
}

// openClusters returns the clusters of a configuration for a command that reads
// some of them for a while. Nothing is read before the caller runs the set.
func openClusters(c config.Config, p process) (*clusters.Set, error) {
	return newClusters(c, p, metrics.New(metrics.Build{}), zap.NewNop(), commandConfiguration)
}

// replaceIn puts the cluster that the flags name, if they name one, in the place
// of the one in a trigger's metadata. It changes the metadata, and leaves only those
// unset variables that the trigger still lacks.
func (t *target) replaceIn(of manifest.Trigger) manifest.Trigger {
	const servers, cluster = "bootstrapServers", "cluster"
	replaces := len(t.bootstrapServers) > 0 || t.cluster != ""
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
	of.Unset = slices.DeleteFunc(slices.Clone(of.Unset), func(v manifest.Variable) bool {
		key := strings.TrimSuffix(v.Key, fromEnv)
		return of.Metadata[key] != "" || of.Metadata[v.Key] != "" || replaces && (key == servers || key == cluster)
	})
	return of
}

const fromEnv = "FromEnv"
