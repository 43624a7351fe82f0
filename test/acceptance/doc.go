// Package acceptance holds the tests on real Apache Kafka, behind the build tag
// realkafka (`make test-acceptance`). They need Java 17 and Maven, and fail where
// these are missing: a suite that skips itself proves nothing.
//
// One cluster of three brokers serves all tests, each of which makes topics and
// groups of its own. A test that takes a broker away must not call t.Parallel, and
// must bring the broker back: such tests run first, one after the other, and those
// that only read and write follow side by side.
package acceptance
