// Package clusters decides which Kafka cluster a trigger means and whether it may
// be used, and owns the client and the collector of each.
//
//	trigger says            meant is
//	cluster: orders         the cluster of that name in the configuration
//	bootstrapServers: ...   the configured cluster with the same addresses, in any order, and its
//	                        credentials: a drop-in for KEDA's own trigger
//	                        else the addresses themselves, without credentials, where
//	                        inlineBootstrapServers.allow has them all
//
// Credentials never come with a trigger. Its `tls` and `sasl` are checked against
// what the cluster has, so that nobody believes in an encryption that is not there.
package clusters
