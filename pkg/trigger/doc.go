// Package trigger reads the metadata of a KEDA trigger: the map of strings that
// a user wrote under `triggers[].metadata` becomes a typed, validated [Trigger],
// or an error that lists every problem at once, each with field, value and
// remedy.
//
// Names, defaults, parsing and conflicts are those of KEDA's own `kafka` and
// `apache-kafka` triggers (v2.21.0: pkg/scalers/kafka_scaler.go,
// apache_kafka_scaler.go, scalersconfig/typed_config.go), so that a user changes
// the trigger's type and nothing else. [Parameters] is the table of all of them;
// the reference page is generated from it.
//
// The package is pure: what a cluster name or an address leads to is not its
// business.
package trigger
