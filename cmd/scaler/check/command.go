// Package check is the command check: it goes through what a scaler needs step by step,
// and says what to do where a step fails.
package check

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/target"
	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/wiring"
	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// timeout bounds the check of one cluster or one trigger.
const timeout = 30 * time.Second

type flags struct {
	cluster target.Cluster
	files   target.Files
}

// New returns the command.
func New(p cli.Process) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration, clusters and ScaledObjects, step by step",
		Long: `Check a configuration file and reach every cluster in it step by step: DNS, TCP,
TLS, API versions, SASL, metadata, and every broker at the address that it
advertises. With -f, the triggers of ScaledObjects instead: their metadata, their cluster,
topics, group and the ACLs that reading them needs, and what KEDA would be told.
--cluster or --bootstrap-servers then stand in for the cluster that the triggers name.

One line a step; what to do stands under the step that failed. The exit code is
0 if every step succeeded, 1 if one failed, 2 for wrong usage.`,
		Example: `  kafka-scaler check --config config.yaml
  kafka-scaler check --config config.yaml -f scaledobject.yaml
  kafka-scaler check --bootstrap-servers kafka:9092`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), p) },
	}
	f.cluster.Add(c.Flags())
	f.files.Add(c.Flags())
	cli.AddEnvironment(c.Flags())
	return c
}

func (f *flags) run(ctx context.Context, p cli.Process) error {
	if f.cluster.Config == "" && !f.files.Given() && !f.cluster.ByAddress() {
		return cli.Usagef("nothing to check: give --config, --bootstrap-servers or -f")
	}
	if err := errors.Join(f.cluster.Usage(), f.files.Usage()); err != nil {
		return err
	}
	r := newReport(p.Stdout)
	cfg, err := f.cluster.Load()
	if err != nil {
		r.fail("configuration", f.cluster.Config, err)
		return r.err()
	}
	if f.cluster.Config != "" {
		r.step(kafka.Check{Step: "configuration", Target: f.cluster.Config, OK: true, Detail: "valid, " + fault.Count(len(cfg.Clusters), "cluster")})
	}
	here, err := wiring.Start(ctx, cfg, p)
	if err != nil {
		r.fail("configuration", f.cluster.Config, err)
		return r.err()
	}
	defer here.Stop()
	checker := checker{Here: here, report: r, done: map[string]bool{}}
	if err := f.check(ctx, p, cfg, &checker); err != nil {
		return err
	}
	return r.err()
}

// check checks the clusters that the flags name, all of the configuration's
// where they name none, and then the triggers.
func (f *flags) check(ctx context.Context, p cli.Process, cfg config.Config, c *checker) error {
	switch {
	case f.cluster.Named():
		connection, err := f.cluster.Connection(cfg)
		if err != nil {
			return err
		}
		c.cluster(ctx, connection)
	case !f.files.Given():
		for _, cluster := range cfg.Clusters {
			c.cluster(ctx, trigger.Connection{Cluster: cluster.Name, SASL: config.SASLNone})
		}
	}
	for _, path := range f.files.Paths {
		scaled, err := target.ReadManifest(p, path)
		for _, problem := range cli.Flatten(err) {
			c.report.fail("file", path, problem)
		}
		for i := range scaled {
			for _, t := range scaled[i].Triggers {
				c.trigger(ctx, &scaled[i], f.cluster.ReplaceIn(t))
			}
		}
	}
	return nil
}

// checker checks clusters, each once, and triggers.
type checker struct {
	*wiring.Here
	report *report
	done   map[string]bool
}

// cluster reaches a cluster step by step, unless that was done before.
func (c *checker) cluster(ctx context.Context, connection trigger.Connection) *clusters.Cluster {
	cluster, err := c.Set.Resolve("", connection)
	if err != nil {
		c.report.fail("cluster", clusterOf(connection), err)
		return nil
	}
	name := cluster.Name()
	reachable, known := c.done[name]
	if !known {
		c.report.heading("Cluster " + name)
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		reachable = kafka.Diagnose(ctx, c.Set.KafkaConfig(cluster), c.report.step)
		c.done[name] = reachable
	}
	if !reachable {
		return nil
	}
	return cluster
}

func clusterOf(connection trigger.Connection) string {
	if connection.Cluster != "" {
		return connection.Cluster
	}
	return strings.Join(connection.BootstrapServers, ",")
}

// trigger checks one trigger: what is written, and whether Kafka lets it be read.
func (c *checker) trigger(ctx context.Context, s *manifest.Scaled, t manifest.Trigger) {
	parsed, parseErr := trigger.Parse(t.Metadata)
	var cluster *clusters.Cluster
	if parseErr == nil {
		cluster = c.cluster(ctx, parsed.Connection)
	}
	c.report.heading(fmt.Sprintf("%s, trigger %d (%s)", s, t.Index, t.Type))
	c.report.unset(t)
	problem := t.Problem()
	if problem != nil {
		c.report.fail("metadata", "", problem)
	}
	if parseErr != nil {
		c.report.fail("metadata", "", parseErr)
		return
	}
	if problem != nil {
		return
	}
	c.report.step(kafka.Check{Step: "metadata", OK: true, Detail: fmt.Sprintf("valid, metric %s, target %d", parsed.MetricName, parsed.Policy.Target())})
	if cluster == nil {
		c.report.fail("cluster", clusterOf(parsed.Connection), errors.New("cannot be used, see above"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	response, err := c.Explain(ctx, &kafkascalerv1.ExplainRequest{Name: s.Name, Namespace: s.Namespace, ScalerMetadata: t.Metadata})
	if err != nil {
		c.report.fail("answer", "", err)
		return
	}
	for _, answer := range response.GetExplanations() {
		reads := triggerCheck{report: c.report, cluster: cluster, trigger: parsed, answer: answer}
		c.fetches(ctx, cluster, parsed, t, reads.run(ctx))
	}
}

// fetches tries the reads of records that the scaler does without where they are not allowed.
func (c *checker) fetches(ctx context.Context, cluster *clusters.Cluster, parsed *trigger.Trigger, t manifest.Trigger, topics []lag.TopicPartitions) {
	client, err := kafka.New(c.Set.KafkaConfig(cluster), kafka.Options{})
	if err != nil {
		c.report.fail("cluster", cluster.Name(), err)
		return
	}
	defer client.Close()
	for _, topic := range topics {
		if parsed.Selection.Inspect {
			client.DiagnoseLook(ctx, topic.Topic, topic.Partitions, c.report.step)
		}
		if t.Type == "external-push" && cluster.WaitsForRecords() {
			client.DiagnoseWait(ctx, topic.Topic, topic.Partitions, c.report.step)
		}
	}
}
