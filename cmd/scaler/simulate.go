package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/target"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/simulate"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

func newSimulate(p cli.Process) *cobra.Command {
	return simulate.New(p, &simulatedCluster{process: p})
}

// simulatedCluster is the cluster whose arrivals simulate reads, as its flags name it.
type simulatedCluster struct {
	cluster target.Cluster
	process cli.Process
}

// Add implements [simulate.Kafka].
func (c *simulatedCluster) Add(flags *pflag.FlagSet) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.cluster.Add(own)
	cli.AddEnvironment(own)
	flags.AddFlagSet(own)
}

// Open implements [simulate.Kafka].
func (c *simulatedCluster) Open() (*kafka.Client, error) { return open(c.cluster, c.process) }
