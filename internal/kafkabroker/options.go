package kafkabroker

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// The versions that the project is tested with.
const (
	// Current is the newest Kafka with a whole set of jars.
	Current = "4.3.1"
	// Oldest is the oldest Kafka that the scaler promises to work with. It needs ZooKeeper.
	Oldest = "2.4.1"
)

// Options say what to start. The zero value is one broker of the [Current]
// version with a plaintext listener.
type Options struct {
	// Version is [Current], [Oldest] or another 2.x or 4.x release; "" is Current.
	Version string
	// Brokers is how many brokers to start, at least 1; 0 is 1.
	Brokers int
	// Extra are broker properties added to, or put over, those that the harness sets.
	Extra map[string]string
	// HeapMB is the heap of each broker in MiB; 0 is as little as tests need: some hundred partitions.
	HeapMB int
	// Security adds the secure listeners, users and the ACL authorizer; nil for a plaintext listener only.
	// It needs Kafka 4.
	Security *Security
	// Dir is where the temporary directory is made; "" is the system's place for it.
	Dir string
	// Cold leaves the topic of committed offsets to be made by its first use, as on a fresh cluster: the
	// first requests about groups then fail for a second or two with error 15 or 16.
	Cold bool
}

// Security turns on the listeners [SASLPlaintext], [SASLTLS], [TLS] and [MTLS]
// beside [Plaintext], and the ACL authorizer. Whoever comes through Plaintext or
// TLS is User:ANONYMOUS, who may do everything; anybody else may do what
// [Cluster.AllowTopic] and [Cluster.AllowGroup] have granted.
type Security struct {
	// Users are names and passwords, valid for PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
	Users map[string]string
}

// Listener names a way into a broker.
type Listener string

// The listeners. All but Plaintext need [Options.Security].
const (
	Plaintext     Listener = "PLAINTEXT"
	SASLPlaintext Listener = "SASL_PLAINTEXT"
	SASLTLS       Listener = "SASL_SSL"
	// TLS encrypts and asks for no client certificate.
	TLS Listener = "TLS"
	// MTLS demands a client certificate of the cluster's authority; its subject is the principal.
	MTLS Listener = "MTLS"

	controllerListener Listener = "CONTROLLER"
)

// protocol is the security protocol in Kafka's own words.
func (l Listener) protocol() string {
	switch l {
	case TLS, MTLS:
		return "SSL"
	case controllerListener:
		return string(Plaintext)
	default:
		return string(l)
	}
}

func (o Options) withDefaults() (Options, error) {
	if o.Version == "" {
		o.Version = Current
	}
	if o.Brokers == 0 {
		o.Brokers = 1
	}
	if o.HeapMB == 0 {
		o.HeapMB = brokerHeapMB
	}
	o.Extra = maps.Clone(o.Extra)
	switch {
	case o.Brokers < 0 || o.Brokers >= controllerID:
		return o, fmt.Errorf("%d brokers: ask for 1 to %d", o.Brokers, controllerID-1)
	case !strings.HasPrefix(o.Version, "4.") && !strings.HasPrefix(o.Version, "2."):
		return o, fmt.Errorf("kafka version %q: only 2.x and 4.x are known here", o.Version)
	case o.Security != nil && o.zooKeeper():
		return o, fmt.Errorf("kafka version %q: the secure listeners are only set up for 4.x", o.Version)
	}
	return o, o.Security.check()
}

func (o Options) zooKeeper() bool { return strings.HasPrefix(o.Version, "2.") }

// combined tells whether the only broker is the controller too.
func (o Options) combined() bool { return !o.zooKeeper() && o.Brokers == 1 }

func (o Options) listeners() []Listener {
	if o.Security == nil {
		return []Listener{Plaintext}
	}
	return []Listener{Plaintext, SASLPlaintext, SASLTLS, TLS, MTLS}
}

// check refuses names and passwords that would need quoting in a JAAS entry or in
// the arguments of the format tool.
func (s *Security) check() error {
	if s == nil {
		return nil
	}
	plain := regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	for name, password := range s.Users {
		if !plain.MatchString(name) || !plain.MatchString(password) {
			return fmt.Errorf("user %q: names and passwords here are made of letters, digits, dot, dash and underscore", name)
		}
	}
	return nil
}
