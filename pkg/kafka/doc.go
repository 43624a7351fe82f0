// Package kafka talks to the brokers of one cluster with one credential.
//
// A [Client] makes calls, each of one or a few requests to the brokers that can answer
// them:
//
//	Topics, LogOffsets, Commits, DescribeGroup      metadata.go, logoffsets.go, commits.go, describe.go
//	AwaitRecords, Inspect, OffsetsForTimes          wait.go, inspect.go, logoffsets.go
//	        │ which brokers, and once more           fanout.go: byleader.go, bycoordinator.go
//	        │ who are they?                          route.go (leaders), coordinators.go, anybroker.go
//	        │ which cluster?                         identity.go
//	        ▼
//	transport: a few connections a broker,           transport/pool.go
//	one request at a time on each, backoff;
//	TCP ► TLS ► ApiVersions ► SASL                   transport/conn.go, tls.go, sasl.go, mechanism.go
//	        │ bytes                                  transport/exchange.go
//	        ▼
//	wire: primitives, layouts, error codes           wire/reader.go, shape.go, code.go
//
// Goroutines start in package guard, where panics end.
//
// Nothing runs while nobody calls, except timers that close idle connections. Routes
// are read again when a broker's answer says that they are out of date. A
// number is only ever what a broker said; whatever went wrong is an error that
// says whose move it is (errors.go, remedies.go).
//
// # Who encodes and decodes what
//
// kafka-go carries the connection (protocol.Conn, which hands the stream to our
// protocol.RawExchanger) and has the SASL mechanisms (sasl.Mechanism). Requests are
// kmsg messages, since kafka-go has neither the versions nor the batched forms that make
// the difference here. Responses are decoded by kmsg where they are small, after their
// layout has been walked, and by our own reader where they are large or where counts
// and bytes of others have to be passed over:
//
//	API                       versions       decoded by  why
//	ApiVersions               0              kmsg
//	SaslHandshake             1              kmsg
//	SaslAuthenticate          0-2            kmsg
//	Metadata                  4-12           our reader  topic ids (10), leader epochs, all topics of a cluster
//	FindCoordinator           1-3, 4-5       kmsg        many groups in one request (4)
//	ListOffsets               2-7            our reader  many partitions, leader epochs (4)
//	OffsetFetch, many groups  8-9            our reader  kafka-go knows one group a request
//	OffsetFetch, one group    2-7            kmsg        brokers before 3.0
//	Fetch                     5-11           our reader  only the headers of batches are looked at
//	DescribeGroups            0-5            kmsg        and our reader for what members write
//	ConsumerGroupDescribe     0-1            kmsg
//	ShareGroupDescribe        1              kmsg
//	DescribeShareGroupOffsets 0-1            kmsg
//
// Brokers from 2.4 on are spoken to in the newest version that both sides know;
// where a broker is too old for a batched request, the request is made once a
// group instead.
package kafka
