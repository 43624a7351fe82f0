// Package kafkabroker runs real Apache Kafka as plain processes on loopback, for
// tests and for trying things out: no containers, nothing installed but Java and
// Maven.
//
//	Version 4.3.1   one controller process (node 100) and the brokers 1..N; with a
//	                single broker, one process is both
//	Version 2.4.1   one ZooKeeper process and the brokers 1..N
//
// Keeping the controller out of the brokers is what lets a test kill or pause any
// broker, and see nothing but that broker's absence.
//
// A [Node] is one process, and can be stopped, killed, paused and restarted.
// Ports are free ones, held for the life of the cluster, so that a broker comes
// back where it was. Processes die with their parent; data lives in a temporary
// directory, which is removed by [Cluster.Close], and, where a test binary died
// before it got there, by the next [Start].
//
// The jars come through Maven, once, into the user's cache directory. There also
// lies a class-data archive of the JVM, which halves a broker's start.
//
// The methods that create topics, write records, commit and the like open a
// client, do one thing and close it, so that they leave no goroutine and no
// connection behind to confuse a test of ours.
package kafkabroker
