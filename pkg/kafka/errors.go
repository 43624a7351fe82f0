package kafka

import (
	"errors"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// failure wraps err as what a user meets: what was tried on which object, whose
// move it is, and what to do next. An error that already is one keeps its kind
// and gives its remedy to the whole, where it stands at the end.
func failure(op, object string, err error) *fault.Error {
	remedy, cause := splitRemedy(err)
	kind := fault.KindOf(err)
	if remedy == "" {
		kind, remedy = diagnose(err)
	}
	return &fault.Error{Kind: kind, Op: op, Object: object, Err: cause, Remedy: remedy}
}

// observed is an error as observers get it: with its kind.
func observed(err error) error {
	if err == nil {
		return nil
	}
	return failure("", "", err)
}

// splitRemedy takes the remedy off an error that has one.
func splitRemedy(err error) (remedy string, cause error) {
	known, ok := err.(*fault.Error) //nolint:errorlint // only of the whole error can a part be taken off
	if !ok {
		return "", err
	}
	bare := *known
	bare.Remedy = ""
	return known.Remedy, &bare
}

// codeFailure is failure for an error code in an answer.
func codeFailure(op, object string, code int16) *fault.Error {
	return failure(op, object, wire.Code(code))
}

// diagnose says whose move an error is and what that move is.
func diagnose(err error) (fault.Kind, string) {
	var code wire.Code
	var version *transport.VersionError
	var conn *transport.ConnError
	var missing noPartition
	var stale staleLeader
	var sparse *sparsePartitions
	var large *wire.TooLargeError
	switch {
	case errors.As(err, &missing):
		return fault.NotFound, "correct the list of partitions"
	case errors.As(err, &code):
		return diagnoseCode(code)
	case errors.As(err, &stale):
		return diagnoseCode(wire.Code(wire.UnknownLeaderEpoch))
	case errors.As(err, &sparse):
		return fault.Unavailable, "compare with kafka-topics --describe: Kafka numbers the partitions of a topic from 0 on"
	case errors.As(err, &large):
		return fault.Unavailable, "check what answers there: no Kafka cluster is so large"
	case errors.As(err, &version):
		return fault.Precondition, "use Apache Kafka 2.4 or newer, or a service that speaks its protocol"
	case errors.Is(err, transport.ErrClosed):
		return fault.Unavailable, "try again"
	case errors.Is(err, errDropped):
		return fault.Unavailable, "check the load and the health of the broker"
	case errors.As(err, &conn):
		return conn.Diagnose()
	case transport.IsTimeout(err):
		return fault.Unavailable, "check the load and the health of the brokers"
	}
	return fault.Unavailable, ""
}
