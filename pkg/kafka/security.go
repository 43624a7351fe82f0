package kafka

import "github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"

// TLS says how connections are encrypted.
type TLS = transport.TLS

// SASL says who the client is.
type SASL = transport.SASL

// Mechanism is a SASL mechanism: [Plain], [ScramSHA256] or [ScramSHA512].
type Mechanism = transport.Mechanism

// The mechanisms.
var (
	Plain       = transport.Plain
	ScramSHA256 = transport.ScramSHA256
	ScramSHA512 = transport.ScramSHA512
)

// MechanismOf returns the mechanism that KEDA gives this name. With one that is not
// known, no [Config] is valid.
func MechanismOf(name string) Mechanism { return transport.MechanismOf(name) }
