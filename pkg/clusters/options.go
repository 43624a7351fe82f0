package clusters

import (
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/history/members"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

// maxInline bounds the clusters that only triggers name. Each costs connections and
// a refresh, and whoever may write a ScaledObject can ask for one. maxInlineOfNamespace
// of them are for one namespace, so that it cannot use up those of the others.
const (
	maxInline            = 100
	maxInlineOfNamespace = 20
)

// maxNames and maxNamesOfNamespace bound the lists of addresses by which triggers name them. Many lists can
// lead to one cluster, and cost little once that is known.
const (
	maxNames            = 1000
	maxNamesOfNamespace = 100
)

// queriesShare is how much of the memory what is known of queries may take, in percent. The rest is for triggers,
// streams, answers on their way and garbage.
const queriesShare = 50

// Options are what a [Set] can be given besides the configuration.
type Options struct {
	// Logger gets one line for every cluster that comes or goes, and those of the collectors. Nil logs nothing.
	Logger *zap.Logger
	// LookupEnv finds the environment variables that credentials are read from. Nil is [os.LookupEnv].
	LookupEnv func(string) (string, bool)
	// Configuration is what errors call the configuration. Empty is "the scaler's configuration".
	Configuration string
	// Observe returns the observer of a cluster that comes, by its name. Nil observes nothing.
	Observe func(cluster string) Observer
	// MemoryLimit is how many bytes of memory the process may use; 0 is any number. Half of it is for what is known of
	// the queries of all clusters.
	MemoryLimit int64
	// Open connects a cluster. Nil is [kafka.New].
	Open func(kafka.Config, kafka.Options) (Client, error)
}

// Observer is told what the parts of one cluster do. Any field may be nil.
type Observer struct {
	Kafka     kafka.Observer
	Collector collector.Observer
	// Close is called once, after the last observation.
	Close func()
}

// Client reads one cluster. *kafka.Client is one.
type Client interface {
	collector.Source
	members.Source
	// ClusterID is the id that the cluster has given itself; empty until Identified is closed, and for good
	// where it has none.
	ClusterID() string
	Identified() <-chan struct{}
	// Replaced is closed when another cluster has taken its place: a new client has to start from nothing.
	Replaced() <-chan struct{}
	// AnsweredAt is when the cluster last answered anything.
	AnsweredAt() time.Time
	// Stats returns the brokers and the connections to them.
	Stats() []kafka.BrokerStats
	// Close ends all calls and connections.
	Close()
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Configuration == "" {
		o.Configuration = "the scaler's configuration"
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Observe == nil {
		o.Observe = func(string) Observer { return Observer{} }
	}
	if o.Open == nil {
		o.Open = func(c kafka.Config, o kafka.Options) (Client, error) { return kafka.New(c, o) }
	}
	return o
}
