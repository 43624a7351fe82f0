package transport

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go/sasl"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// What a broker may ask for in a SCRAM exchange. The client makes its proof by so
// many iterations of a hash, with nothing that could interrupt it: two billion of
// them take the processor for half an hour. With too few, whoever poses as the broker
// learns a proof from which the password is soon guessed: RFC 7677 has the minimum,
// and Kafka's own clients hold to it. Kafka refuses to store credentials with more
// than 16,384 (KIP-554), but its older tools stored what they were told.
const (
	minIterations = 4096
	maxIterations = 65_536
)

// bounded is a SCRAM mechanism that checks what the broker asks for before it is done.
type bounded struct{ sasl.Mechanism }

// Start implements sasl.Mechanism.
func (b bounded) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	session, first, err := b.Mechanism.Start(ctx)
	return &boundedSession{StateMachine: session}, first, err
}

type boundedSession struct {
	sasl.StateMachine
	// begun is set once the broker's first message, which asks for the iterations, has been read.
	begun bool
}

// Next implements sasl.StateMachine.
func (s *boundedSession) Next(ctx context.Context, challenge []byte) (done bool, response []byte, err error) {
	if err := ctx.Err(); err != nil {
		return false, nil, context.Cause(ctx)
	}
	if !s.begun {
		s.begun = true
		if err := checkIterations(string(challenge)); err != nil {
			return false, nil, err
		}
	}
	return s.StateMachine.Next(ctx, challenge)
}

// checkIterations reads a server-first-message (RFC 5802, section 7): nonce, salt,
// iterations. What is none of that form is left to the mechanism, which refuses it.
func checkIterations(message string) error {
	fields := strings.SplitN(message, ",", 4)
	if len(fields) < 3 {
		return nil
	}
	number, ok := strings.CutPrefix(fields[2], "i=")
	if !ok {
		return nil
	}
	iterations, err := strconv.Atoi(number)
	if err == nil && iterations >= minIterations && iterations <= maxIterations {
		return nil
	}
	return &fault.Error{
		Kind: fault.Precondition, Op: "authenticate", Object: "with SCRAM",
		Err:    fmt.Errorf("the broker asks for %s iterations, and only %d to %d are done", wire.Text(number), minIterations, maxIterations),
		Remedy: "store the user's credential again with kafka-configs, with 4096 to 16384 iterations",
	}
}
