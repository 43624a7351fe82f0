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
// kafka-go carries every connection (protocol.Conn, which hands the stream to our
// protocol.RawExchanger), has the SASL mechanisms (sasl.Mechanism), and encodes and
// decodes what is asked once a connection or once a group. What a refresh asks all the
// time would be kafka-go's too where it costs at most 1.3 times as much of the
// processor; none does. Of the rest, kafka-go lacks the API or the version.
//
// kafka-go and kmsg believe the counts in an answer. So both get only frames that are
// there as a whole, of a bounded size, whose layout has been walked
// (transport.Message, wire.CheckShape). What is large is read by our own reader as it
// comes, and held nowhere.
//
//	API                       versions  codec       reason                                             kafka-go/codec
//	ApiVersions               0         kafka-go    once a connection                                  2.3, 6 µs more
//	SaslHandshake             1         kafka-go    once a connection                                  1.8, 1 µs more
//	SaslAuthenticate          0-1       kafka-go    once or twice a connection                         1.8, 1 µs more
//	FindCoordinator, 1 group  1-2       kafka-go    once a group, of brokers before 3.0                1.9, 1 µs more
//	FindCoordinator, many     4-5       kmsg        kafka-go has up to 2, without many groups
//	OffsetFetch, 1 group      2-7       kmsg        in every refresh, of brokers before 3.0            2.2
//	OffsetFetch, many         8-9       our reader  kafka-go has up to 5, of one group
//	ListOffsets               2-7       our reader  in every refresh                                   3.0
//	Metadata                  4-12      our reader  topic ids (10) and leader epochs that can be
//	                                                relied on (9): kafka-go has up to 8
//	Fetch                     5-11      our reader  only the headers of batches are looked at; kafka-go
//	                                                decodes every record
//	DescribeGroups            0-5       kmsg        in the refresh of what sleeps; our reader for what
//	                                                members write                                      1.7
//	ConsumerGroupDescribe     0-1       kmsg        kafka-go has none
//	ShareGroupDescribe        1         kmsg        kafka-go has none
//	DescribeShareGroupOffsets 0-1       kmsg        kafka-go has none
//
// The last column is the processor's time of a question and its answer with kafka-go
// over that with kmsg, or our reader: the median of five runs of BenchmarkCodecs in
// package transport (ApiVersions of 75 keys, a group of 100 members, 100 partitions), and
// for ListOffsets of BenchmarkListOffsetsCodecs in this one (10,000 partitions), where
// kafka-go goes without the walk that it would need.
//
// Brokers from 2.4 on are spoken to in the newest version that both sides know;
// where a broker is too old for a batched request, the request is made once a
// group instead.
package kafka
