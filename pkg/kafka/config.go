package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
)

// Defaults of [Config], each the value that its zero value means.
const (
	DefaultClientID                = "kafka-scaler"
	DefaultDialTimeout             = 3 * time.Second
	DefaultRequestTimeout          = 3 * time.Second
	DefaultIdleTimeout             = 3 * time.Minute
	DefaultWaitIdleTimeout         = 5 * time.Second
	DefaultMaxConnectionsPerBroker = 2
	DefaultMaxWaitsPerBroker       = 16
	DefaultMaxPartitionsPerRequest = 15_000
	DefaultMaxGroupsPerRequest     = 1500
)

// Config says how to reach one cluster as one principal. The zero value of every
// field but BootstrapServers is usable.
type Config struct {
	// Name is the cluster's name in errors and logs; empty means the first bootstrap server.
	Name string
	// BootstrapServers are host:port addresses; one that answers is enough.
	BootstrapServers []string
	// ClientID is sent with every request, for the brokers' logs and quotas. Default [DefaultClientID].
	ClientID string
	// TLS, where not nil, is spoken on every connection.
	TLS *TLS
	// SASL, where not nil, authenticates every connection.
	SASL *SASL

	// Allow, where not nil, says whether an address that the cluster advertises, and that is no bootstrap server,
	// may be connected to: an error, whose text users meet, keeps it from that.
	Allow func(broker int32, address string) error

	// DialTimeout bounds everything until a connection is ready: TCP, TLS, ApiVersions and SASL together.
	// Default [DefaultDialTimeout].
	DialTimeout time.Duration
	// RequestTimeout bounds one request on a ready connection; the deadline of the call's context bounds it
	// too. Default [DefaultRequestTimeout].
	RequestTimeout time.Duration
	// IdleTimeout is how long an unused connection is kept. Keep it below what lies between: Azure drops
	// idle connections after 4 minutes, Kafka itself after 10. Default [DefaultIdleTimeout].
	IdleTimeout time.Duration
	// WaitIdleTimeout is IdleTimeout of the connections that wait for records, of which there are more for a moment
	// when many workloads fall asleep at once than when their waits have been composed. Default [DefaultWaitIdleTimeout].
	WaitIdleTimeout time.Duration
	// MaxConnectionsPerBroker bounds the connections to one broker address. Default [DefaultMaxConnectionsPerBroker].
	MaxConnectionsPerBroker int
	// MaxWaitConnectionsPerBroker bounds the connections to one broker that wait for records, besides those
	// that read. Default [DefaultMaxWaitsPerBroker].
	MaxWaitConnectionsPerBroker int
	// MaxPartitionsPerRequest and MaxGroupsPerRequest bound what one request names; more is split. A request
	// never exceeds 500 KB either, for services that close the connection at 1 MB. Defaults
	// [DefaultMaxPartitionsPerRequest] and [DefaultMaxGroupsPerRequest].
	MaxPartitionsPerRequest int
	MaxGroupsPerRequest     int
}

// maxRequestBytes keeps requests below the smallest limit met in the field, 1,046,528 bytes (Azure Event Hubs).
const maxRequestBytes = 500_000

func (c Config) withDefaults() Config {
	if c.Name == "" && len(c.BootstrapServers) > 0 {
		c.Name = c.BootstrapServers[0]
	}
	c.ClientID = cmp.Or(c.ClientID, DefaultClientID)
	c.DialTimeout = cmp.Or(c.DialTimeout, DefaultDialTimeout)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, DefaultRequestTimeout)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, DefaultIdleTimeout)
	c.WaitIdleTimeout = cmp.Or(c.WaitIdleTimeout, DefaultWaitIdleTimeout)
	c.MaxConnectionsPerBroker = cmp.Or(c.MaxConnectionsPerBroker, DefaultMaxConnectionsPerBroker)
	c.MaxWaitConnectionsPerBroker = cmp.Or(c.MaxWaitConnectionsPerBroker, DefaultMaxWaitsPerBroker)
	c.MaxPartitionsPerRequest = cmp.Or(c.MaxPartitionsPerRequest, DefaultMaxPartitionsPerRequest)
	c.MaxGroupsPerRequest = cmp.Or(c.MaxGroupsPerRequest, DefaultMaxGroupsPerRequest)
	return c
}

// settings are the part of the configuration that connections are made by.
func (c *Config) settings() transport.Settings {
	return transport.Settings{
		ClientID: c.ClientID, TLS: c.TLS, SASL: c.SASL,
		DialTimeout: c.DialTimeout, RequestTimeout: c.RequestTimeout,
		IdleTimeout: c.IdleTimeout, WaitIdleTimeout: c.WaitIdleTimeout,
		MaxConnectionsPerBroker: c.MaxConnectionsPerBroker, MaxWaitConnectionsPerBroker: c.MaxWaitConnectionsPerBroker,
		Allow: c.allows,
	}
}

// allows returns why an address must not be connected to, or nil.
func (c *Config) allows(broker int32, addr string) error {
	if c.Allow == nil || slices.Contains(c.BootstrapServers, addr) {
		return nil
	}
	return c.Allow(broker, addr)
}

// Validate reports everything in the configuration that can never work, as one
// *fault.Error of kind Invalid. It reads no file and reaches for no network.
func (c Config) Validate() error {
	var problems []error
	if len(c.BootstrapServers) == 0 {
		problems = append(problems, errors.New("no bootstrap server"))
	}
	for _, server := range c.BootstrapServers {
		host, port, err := net.SplitHostPort(server)
		if err != nil || host == "" || port == "" {
			problems = append(problems, fmt.Errorf("bootstrap server %q is not host:port", server))
		}
	}
	if min(c.DialTimeout, c.RequestTimeout, c.IdleTimeout, c.WaitIdleTimeout) < 0 {
		problems = append(problems, errors.New("a negative timeout"))
	}
	if min(c.MaxConnectionsPerBroker, c.MaxWaitConnectionsPerBroker, c.MaxPartitionsPerRequest, c.MaxGroupsPerRequest) < 0 {
		problems = append(problems, errors.New("a negative limit"))
	}
	if c.TLS != nil {
		problems = append(problems, c.TLS.Validate())
	}
	if c.SASL != nil {
		problems = append(problems, c.SASL.Validate())
	}
	if err := errors.Join(problems...); err != nil {
		return &fault.Error{
			Kind:   fault.Invalid,
			Op:     "configure",
			Object: fmt.Sprintf("cluster %q", c.Name),
			Err:    errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")),
			Remedy: "correct the cluster's connection settings",
		}
	}
	return nil
}
