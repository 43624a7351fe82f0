package clusters

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

// settings are all that makes one cluster what it is. Clusters with equal settings are interchangeable.
type settings struct {
	cluster config.Cluster
	refresh config.Refresh
	// inline marks a cluster that only triggers name.
	inline bool
}

func (s settings) equal(o settings) bool { return reflect.DeepEqual(s, o) }

// KafkaConfig returns how a client reaches a cluster of the configuration.
// Credentials are read, from files or with lookupEnv, for every new connection.
func KafkaConfig(cluster config.Cluster, refresh config.Refresh, lookupEnv func(string) (string, bool)) kafka.Config {
	c := kafka.Config{
		Name:             cluster.Name,
		BootstrapServers: cluster.BootstrapServers,
		// The configured timeout is for a request with everything that it takes, a new connection included.
		DialTimeout:             refresh.RequestTimeout,
		RequestTimeout:          refresh.RequestTimeout,
		MaxConnectionsPerBroker: cluster.MaxConnectionsPerBroker,

		MaxWaitConnectionsPerBroker: cluster.MaxWaitConnectionsPerBroker,
	}
	if tls := cluster.TLS; tls.Enabled {
		c.TLS = &kafka.TLS{
			CAFile: tls.CAFile, CertFile: tls.CertFile, KeyFile: tls.KeyFile,
			ServerName: tls.ServerName, InsecureSkipVerify: tls.InsecureSkipVerify,
		}
	}
	if sasl := cluster.SASL; !isNone(sasl.Mechanism) {
		c.SASL = &kafka.SASL{
			Mechanism: kafka.MechanismOf(sasl.Mechanism),
			Username:  func() (string, error) { return sasl.ReadUsername(lookupEnv) },
			Password:  func() (string, error) { return sasl.ReadPassword(lookupEnv) },
		}
	}
	return c
}

func isNone(mechanism string) bool { return mechanism == "" || mechanism == config.SASLNone }

func collectorOptions(what settings) collector.Options {
	r := what.refresh
	return collector.Options{
		Cluster:          what.cluster.Name,
		Interval:         r.Interval,
		SleepInterval:    r.SleepInterval,
		IdleAfter:        r.IdleAfter,
		RequestTimeout:   r.RequestTimeout,
		FirstReadTimeout: r.FirstReadTimeout,
		TopicsInterval:   r.TopicsInterval,

		LongPolls:         what.cluster.PushActivation != config.PushPoll,
		PartitionsPerWait: what.cluster.WaitShardSize,
		MaxWaitsPerBroker: what.cluster.MaxWaitConnectionsPerBroker,
	}
}

// addresses is a set of bootstrap servers in a form that can be compared. Names of
// hosts are the same in capitals.
func addresses(servers []string) string {
	lower := make([]string, len(servers))
	for i, s := range servers {
		lower[i] = strings.ToLower(s)
	}
	slices.Sort(lower)
	return strings.Join(slices.Compact(lower), ",")
}

// KafkaConfig returns how the set reaches a cluster, for a command that opens a client of its own.
func (s *Set) KafkaConfig(c *Cluster) kafka.Config { return s.kafkaConfig(c.settings) }

func (s *Set) kafkaConfig(what settings) kafka.Config {
	c := KafkaConfig(what.cluster, what.refresh, s.opts.LookupEnv)
	if what.inline {
		c.Allow = s.allowAdvertised
	}
	return c
}

// allowAdvertised keeps a cluster that only a trigger names from leading the scaler to addresses that the trigger
// itself could not name.
func (s *Set) allowAdvertised(broker int32, address string) error {
	if s.allowed.Load().Allows(address) {
		return nil
	}
	return &fault.Error{
		Kind: fault.Denied, Op: "connect to", Object: fmt.Sprintf("broker %d at its advertised address %s", broker, address),
		Err:    errors.New(allowKey + " does not allow the address"),
		Remedy: "have the addresses of all brokers added to " + allowKey + ", or configure the cluster under `clusters` of " + s.opts.Configuration,
	}
}
