// Package kafka talks to the brokers of one cluster with one credential.
//
// A [Client] owns its connections. kafka-go frames and authenticates them
// (protocol.Conn, sasl.Mechanism); the requests are kmsg messages, written
// through kafka-go's protocol.RawExchanger, because kafka-go itself knows neither
// the batched forms that make the difference here (many groups in one
// OffsetFetch, many partitions in one ListOffsets) nor a bound on connections.
//
//	Topics, LogOffsets, Commits, DescribeGroup      metadata.go, logoffsets.go, commits.go, describe.go
//	        │ which broker?                          route.go (leaders), coordinators.go
//	        ▼
//	broker: at most MaxConnectionsPerBroker,         pool.go
//	one request at a time on each, backoff
//	        │
//	        ▼
//	conn: TCP ► TLS ► ApiVersions ► SASL,            conn.go, tls.go, sasl.go
//	one deadline for all of it; then requests        exchange.go, shape.go
//
// Nothing runs while nobody calls: connections are checked when they are used,
// routes are read anew when a broker's answer says that they are out of date. A
// number is only ever what a broker said; whatever went wrong is an error that
// says whose move it is (errors.go).
//
// Brokers from 2.4 on are spoken to in the newest version that both sides know;
// where a broker is too old for a batched request, the request is made once a
// group instead.
package kafka
