package kafkabroker

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// logging sends everything of a 4.x node to its standard output, except for the
// hundreds of lines with every configuration value.
const logging = `status=WARN
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
logger.values.name=org.apache.kafka.common.config
logger.values.level=WARN
logger.server.name=kafka.server.KafkaConfig
logger.server.level=WARN
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=OUT
`

// properties renders a Java properties file.
func properties(all map[string]string) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s=%s\n", key, strings.ReplaceAll(all[key], `\`, `\\`))
	}
	return b.String()
}

// brokerProperties are a broker's whole configuration.
func (c *Cluster) brokerProperties(n *Node) map[string]string {
	all := c.commonProperties(n)
	var own, advertised, protocols []string
	for _, l := range c.opts.listeners() {
		own = append(own, string(l)+"://"+n.ports[l].Address())
		advertised = append(advertised, string(l)+"://"+n.ports[l].Address())
		protocols = append(protocols, string(l)+":"+l.protocol())
	}
	if c.opts.zooKeeper() {
		c.addZooKeeper(all, n)
	} else {
		c.addQuorum(all, n)
		all["process.roles"] = "broker"
		protocols = append(protocols, string(controllerListener)+":"+controllerListener.protocol())
		if p, ok := n.ports[controllerListener]; ok {
			all["process.roles"] = "broker,controller"
			own = append(own, string(controllerListener)+"://"+p.Address())
		}
	}
	all["listeners"] = strings.Join(own, ",")
	all["advertised.listeners"] = strings.Join(advertised, ",")
	all["listener.security.protocol.map"] = strings.Join(protocols, ",")
	all["inter.broker.listener.name"] = string(Plaintext)
	maps.Copy(all, c.opts.Extra)
	return all
}

// controllerProperties are the configuration of a controller that is no broker.
func (c *Cluster) controllerProperties(n *Node) map[string]string {
	all := c.commonProperties(n)
	c.addQuorum(all, n)
	all["process.roles"] = "controller"
	all["listeners"] = string(controllerListener) + "://" + n.ports[controllerListener].Address()
	maps.Copy(all, c.opts.Extra)
	return all
}

// commonProperties make a small node that reacts fast: tests wait for what it does.
func (c *Cluster) commonProperties(n *Node) map[string]string {
	replicas := strconv.Itoa(min(c.opts.Brokers, 3))
	all := map[string]string{
		"log.dirs":            filepath.Join(n.dir, "data"),
		"broker.rack":         fmt.Sprintf("rack-%d", n.ID),
		"num.network.threads": "2", "num.io.threads": "4", "log.cleaner.threads": "1",
		"num.recovery.threads.per.data.dir": "1", "background.threads": "2",
		"log.cleaner.dedupe.buffer.size": "4194304", "log.cleaner.backoff.ms": "500",
		"auto.create.topics.enable": "false",
		// What a test has moved stays where it is.
		"auto.leader.rebalance.enable":             "false",
		"offsets.topic.num.partitions":             strconv.Itoa(offsetsPartitions),
		"offsets.topic.segment.bytes":              "10485760",
		"transaction.state.log.min.isr":            "1",
		"group.initial.rebalance.delay.ms":         "0",
		"group.min.session.timeout.ms":             "1000",
		"offsets.retention.check.interval.ms":      "1000",
		"log.retention.check.interval.ms":          "1000",
		"log.initial.task.delay.ms":                "1000",
		"offsets.topic.replication.factor":         replicas,
		"transaction.state.log.num.partitions":     "3",
		"transaction.state.log.replication.factor": replicas,
	}
	if c.opts.Security != nil {
		c.addSecurity(all)
	}
	return all
}

// addQuorum makes a node a member of the cluster's KRaft quorum of one voter. A
// broker that died is noticed after the session timeout: short, yet not so short
// that a busy machine counts as dead.
func (c *Cluster) addQuorum(all map[string]string, n *Node) {
	replicas := strconv.Itoa(min(c.opts.Brokers, 3))
	quorum := map[string]string{
		"node.id":                                          strconv.Itoa(int(n.ID)),
		"controller.quorum.voters":                         fmt.Sprintf("%d@%s", c.controller.ID, c.controller.ports[controllerListener].Address()),
		"controller.listener.names":                        string(controllerListener),
		"broker.session.timeout.ms":                        "4000",
		"broker.heartbeat.interval.ms":                     "500",
		"group.consumer.min.heartbeat.interval.ms":         "500",
		"group.consumer.heartbeat.interval.ms":             "500",
		"share.coordinator.state.topic.num.partitions":     "1",
		"share.coordinator.state.topic.replication.factor": replicas,
		"share.coordinator.state.topic.min.isr":            "1",
	}
	maps.Copy(all, quorum)
}

func (c *Cluster) addZooKeeper(all map[string]string, n *Node) {
	maps.Copy(all, map[string]string{
		"broker.id":                       strconv.Itoa(int(n.ID)),
		"zookeeper.connect":               c.zooKeeper.ports[Plaintext].Address(),
		"zookeeper.session.timeout.ms":    "4000",
		"zookeeper.connection.timeout.ms": "60000",
	})
}

func (c *Cluster) zooKeeperProperties(n *Node) map[string]string {
	return map[string]string{
		"dataDir":            filepath.Join(n.dir, "data"),
		"clientPort":         strconv.Itoa(n.ports[Plaintext].Number()),
		"clientPortAddress":  "127.0.0.1",
		"admin.enableServer": "false",
		"tickTime":           "1000",
		"maxClientCnxns":     "0",
		// A power cut is no concern of a test's ZooKeeper.
		"forceSync": "no",
	}
}

// addSecurity sets up users, certificates and ACLs. The plaintext listener stays
// the way of the brokers among themselves, and of a test that sets things up.
func (c *Cluster) addSecurity(all map[string]string) {
	all["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
	all["super.users"] = "User:ANONYMOUS"
	all["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
	all["ssl.keystore.type"] = "PEM"
	all["ssl.keystore.location"] = c.certificates.brokerStore
	all["ssl.truststore.type"] = "PEM"
	all["ssl.truststore.location"] = c.certificates.CAFile
	all["listener.name."+strings.ToLower(string(MTLS))+".ssl.client.auth"] = "required"

	plain := []string{"org.apache.kafka.common.security.plain.PlainLoginModule required"}
	for _, user := range slices.Sorted(maps.Keys(c.opts.Security.Users)) {
		plain = append(plain, fmt.Sprintf("user_%s=%q", user, c.opts.Security.Users[user]))
	}
	for _, l := range []Listener{SASLPlaintext, SASLTLS} {
		prefix := "listener.name." + strings.ToLower(string(l))
		all[prefix+".plain.sasl.jaas.config"] = strings.Join(plain, " ") + ";"
		for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
			all[prefix+"."+mechanism+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
	}
}
