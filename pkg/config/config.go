package config

import (
	"path"
	"time"
)

// Config is the whole configuration. The JSON tags are the keys of the file.
type Config struct {
	// GRPC is the port that KEDA asks.
	GRPC GRPC `json:"grpc"`
	// HTTP is the port of metrics and health.
	HTTP HTTP `json:"http"`
	// Log is the log on standard error.
	Log Log `json:"log"`
	// Refresh says how the memory of every cluster is kept fresh.
	Refresh Refresh `json:"refresh"`
	// Clusters are the Kafka clusters that a trigger can name.
	Clusters []Cluster `json:"clusters"`
	// InlineBootstrapServers are the clusters that a trigger may give by address.
	InlineBootstrapServers InlineBootstrapServers `json:"inlineBootstrapServers"`
}

// GRPC is the gRPC server.
type GRPC struct {
	// ListenAddress is host:port; an empty host is every address of the machine.
	ListenAddress string `json:"listenAddress"`
	// TLS is off while its files are empty.
	TLS ServerTLS `json:"tls"`
}

// ServerTLS names PEM files. They are read for each new connection, so that a renewed certificate needs no restart.
type ServerTLS struct {
	// CertFile and KeyFile are the server's certificate chain and key; both or neither.
	CertFile string `json:"certFile"`
	KeyFile  string `json:"keyFile"`
	// ClientCAFile makes a client certificate that these authorities signed a condition (mutual TLS).
	ClientCAFile string `json:"clientCAFile"`
}

// HTTP is the HTTP server.
type HTTP struct {
	// ListenAddress is host:port.
	ListenAddress string `json:"listenAddress"`
}

// Log is what is logged and how.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `json:"level"`
	// Format is json or console.
	Format string `json:"format"`
}

// Refresh says how each cluster's snapshots are kept fresh. It holds for all clusters.
type Refresh struct {
	// Interval is the time between two refreshes of a cluster, 100 ms to 1 min; 0 lets the size of the cluster
	// decide, as collector.Options says.
	Interval time.Duration `json:"interval"`
	// SleepInterval is the time between two refreshes of what inactive streams wait for while the brokers
	// watch over it, 1 s to 1 min; one below Interval means Interval.
	SleepInterval time.Duration `json:"sleepInterval"`
	// IdleAfter is how long a trigger that nobody asks about stays in the refresh, and how long a
	// cluster that only triggers named keeps its connections; at least 10 s.
	IdleAfter time.Duration `json:"idleAfter"`
	// FirstReadTimeout bounds the direct read for a trigger that is new, 100 ms to 30 s. KEDA waits for it.
	FirstReadTimeout time.Duration `json:"firstReadTimeout"`
	// RequestTimeout bounds every single request to a broker, authentication included, 100 ms to 30 s.
	RequestTimeout time.Duration `json:"requestTimeout"`
	// TopicsInterval is the time between two looks at which topics and partitions exist, 1 s to 10 min.
	TopicsInterval time.Duration `json:"topicsInterval"`
}

// Cluster is one Kafka cluster and the one credential it is read with.
type Cluster struct {
	// Name is what triggers say in `cluster`, and the cluster label of the metrics; a DNS label.
	Name string `json:"name"`
	// BootstrapServers are host:port addresses; one that answers is enough.
	BootstrapServers []string `json:"bootstrapServers"`
	// TLS encrypts the connections to the brokers.
	TLS ClientTLS `json:"tls"`
	// SASL authenticates the connections to the brokers.
	SASL SASL `json:"sasl"`
	// MaxConnectionsPerBroker bounds the connections to each broker, 1 to 16.
	MaxConnectionsPerBroker int `json:"maxConnectionsPerBroker"`
	// PushActivation is how a trigger of type external-push that is not active learns of new records:
	// [PushFetch] or [PushPoll].
	PushActivation string `json:"pushActivation"`
	// WaitShardSize is about how many partitions are waited on with one request, 1 to 10000. Larger shards
	// need fewer connections and wake later.
	WaitShardSize int `json:"waitShardSize"`
	// MaxWaitConnectionsPerBroker bounds the connections to each broker that wait for records, besides
	// MaxConnectionsPerBroker, 1 to 128.
	MaxWaitConnectionsPerBroker int `json:"maxWaitConnectionsPerBroker"`
	// RequestTimeout replaces [Refresh.RequestTimeout] for this cluster; 0 keeps it.
	RequestTimeout time.Duration `json:"requestTimeout"`
	// RefreshInterval replaces [Refresh.Interval] for this cluster; 0 keeps it.
	RefreshInterval time.Duration `json:"refreshInterval"`
}

// The values of [Cluster.PushActivation].
const (
	// PushFetch has the brokers tell of records as they arrive. It needs READ on the topics; one without
	// is left to the refresh.
	PushFetch = "fetch"
	// PushPoll leaves it to the refresh.
	PushPoll = "poll"
)

// ClientTLS is TLS towards the brokers.
type ClientTLS struct {
	// Enabled turns TLS on. The other keys need it.
	Enabled bool `json:"enabled"`
	// CAFile holds the authorities that may have signed the brokers' certificates; empty for the system's.
	CAFile string `json:"caFile"`
	// CertFile and KeyFile are the client's certificate and key (mutual TLS); both or neither.
	CertFile string `json:"certFile"`
	KeyFile  string `json:"keyFile"`
	// ServerName is the name to expect in the brokers' certificates; empty for the host dialled.
	ServerName string `json:"serverName"`
	// InsecureSkipVerify accepts any certificate. It protects from nobody who can redirect the traffic.
	InsecureSkipVerify bool `json:"insecureSkipVerify"`
}

// The values of [SASL.Mechanism], named as KEDA's `sasl` parameter names them.
// The file may also use Kafka's own names, such as SCRAM-SHA-512.
const (
	SASLNone        = "none"
	SASLPlaintext   = "plaintext"
	SASLSCRAMSHA256 = "scram_sha256"
	SASLSCRAMSHA512 = "scram_sha512"
)

// SASL is how the scaler authenticates. The name comes from exactly one of
// three places, the password from exactly one of two; the file itself never holds it.
type SASL struct {
	// Mechanism is one of the SASL constants.
	Mechanism string `json:"mechanism"`
	// Username, UsernameFile or UsernameEnv give the user's name.
	Username     string `json:"username"`
	UsernameFile string `json:"usernameFile"`
	UsernameEnv  string `json:"usernameEnv"`
	// PasswordFile or PasswordEnv give the password.
	PasswordFile string `json:"passwordFile"`
	PasswordEnv  string `json:"passwordEnv"`
}

// InlineBootstrapServers limits which addresses a trigger may bring itself.
type InlineBootstrapServers struct {
	// Allow are patterns of host:port, in the syntax of [path.Match]: `*` stands for any run of
	// characters, `?` for one. Every address of a trigger has to match one of them, and so has every one
	// that the brokers behind it advertise. Empty allows none.
	Allow []string `json:"allow"`
}

// Allows reports whether a trigger may name the address.
func (i InlineBootstrapServers) Allows(address string) bool {
	for _, pattern := range i.Allow {
		// An IPv6 address is no pattern: its brackets would be a character class.
		if ok, err := path.Match(pattern, address); pattern == address || ok && err == nil {
			return true
		}
	}
	return false
}

// Default returns the configuration that an empty file means. No trigger may
// bring its own addresses under it.
func Default() Config {
	return Config{
		GRPC: GRPC{ListenAddress: ":6000"},
		HTTP: HTTP{ListenAddress: ":8080"},
		Log:  Log{Level: "info", Format: "json"},
		Refresh: Refresh{
			IdleAfter:        5 * time.Minute,
			FirstReadTimeout: 2 * time.Second,
			RequestTimeout:   3 * time.Second,
			SleepInterval:    5 * time.Second,
			TopicsInterval:   10 * time.Second,
		},
	}
}

// WithoutFile returns the configuration for a scaler that was given no file:
// the defaults, and any address that a trigger brings. It is for trying out.
func WithoutFile() Config {
	c := Default()
	c.InlineBootstrapServers.Allow = []string{"*"}
	return c
}

// DefaultCluster returns what a cluster is where the file does not say otherwise.
func DefaultCluster() Cluster {
	return Cluster{
		SASL: SASL{Mechanism: SASLNone}, MaxConnectionsPerBroker: 2,
		PushActivation: PushFetch, WaitShardSize: 400, MaxWaitConnectionsPerBroker: 16,
	}
}

// EffectiveRefresh returns the refresh settings of one cluster: those of all, with what the cluster replaces.
func (c Config) EffectiveRefresh(cluster Cluster) Refresh {
	r := c.Refresh
	if cluster.RefreshInterval != 0 {
		r.Interval = cluster.RefreshInterval
	}
	if cluster.RequestTimeout != 0 {
		r.RequestTimeout = cluster.RequestTimeout
	}
	return r
}
