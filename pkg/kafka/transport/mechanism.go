package transport

import (
	"fmt"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Mechanism is a SASL mechanism: [Plain], [ScramSHA256] or [ScramSHA512], or, as
// [MechanismOf] returns it, one that is not known, which no configuration is valid with.
type Mechanism interface {
	// String is the name that KEDA gives it.
	String() string
	// known tells whether it can be used.
	known() bool
	// start prepares an exchange in which the client is who the credential says.
	start(c credential) (sasl.Mechanism, error)
}

// The mechanisms.
var (
	Plain       Mechanism = plainMechanism{}
	ScramSHA256 Mechanism = scramMechanism{name: "scram_sha256", hash: scram.SHA256}
	ScramSHA512 Mechanism = scramMechanism{name: "scram_sha512", hash: scram.SHA512}
)

// MechanismOf returns the mechanism that KEDA gives this name.
func MechanismOf(name string) Mechanism {
	for _, m := range []Mechanism{Plain, ScramSHA256, ScramSHA512} {
		if m.String() == name {
			return m
		}
	}
	return unknownMechanism(name)
}

// plainMechanism sends the password as it is: RFC 4616.
type plainMechanism struct{}

// String implements Mechanism.
func (plainMechanism) String() string { return "plaintext" }

func (plainMechanism) known() bool { return true }

func (plainMechanism) start(c credential) (sasl.Mechanism, error) {
	return plain.Mechanism{Username: c.username, Password: c.password}, nil
}

// scramMechanism proves that the client knows the password: RFC 5802.
type scramMechanism struct {
	name string
	hash scram.Algorithm
}

// String implements Mechanism.
func (m scramMechanism) String() string { return m.name }

func (scramMechanism) known() bool { return true }

func (m scramMechanism) start(c credential) (sasl.Mechanism, error) {
	mechanism, err := scram.Mechanism(m.hash, c.username, c.password)
	if err != nil {
		return nil, err
	}
	return bounded{mechanism}, nil
}

// unknownMechanism is a name that no mechanism has. Nothing is sent for it.
type unknownMechanism string

// String implements Mechanism.
func (m unknownMechanism) String() string { return string(m) }

func (unknownMechanism) known() bool { return false }

func (m unknownMechanism) start(credential) (sasl.Mechanism, error) {
	return nil, fmt.Errorf("SASL mechanism %q is not known", string(m))
}
