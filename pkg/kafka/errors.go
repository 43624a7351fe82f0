package kafka

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// errClosed is the cause of everything that fails because the client was closed.
var errClosed = errors.New("the client is closed")

// stage is how far a connection had come.
type stage string

const (
	stageConnect  stage = "connect"
	stageTLS      stage = "TLS handshake"
	stageVersions stage = "API versions"
	stageSASL     stage = "SASL authentication"
	stageIdentity stage = "cluster id"
	stageRequest  stage = "request"
)

// connError is a failure of a connection, with what is needed to say what is
// probably wrong.
type connError struct {
	stage     stage
	addr      string
	tls, sasl bool
	// fresh means that the connection had not answered any request yet.
	fresh bool
	// worked means that the address has answered requests before.
	worked bool
	// timeout means that the time set for it ran out.
	timeout bool
	err     error
}

func (e *connError) Error() string {
	text := bare(e.err).Error()
	switch {
	case e.timeout:
		text = "no answer in time"
	case peerClosed(e.err):
		text = "the broker closed the connection"
	}
	if e.stage == stageRequest {
		return wire.Text(fmt.Sprintf("%s: %s", e.addr, text))
	}
	return wire.Text(fmt.Sprintf("%s: %s: %s", e.addr, e.stage, text))
}

// bare takes off what net says of a failure and connError says too: the operation and the address.
func bare(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op != "remote error" {
		err = op.Err
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	return err
}

func (e *connError) Unwrap() error { return e.err }

// peerClosed tells whether the other side ended the connection.
func peerClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
}

// isTimeout tells whether err says that a deadline passed, rather than that something went wrong by itself.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// versionError is a request that no version of suits both sides.
type versionError struct {
	api          string
	ours, theirs span
	unknown      bool
}

func (e *versionError) Error() string {
	if e.unknown {
		return fmt.Sprintf("the broker does not know %s", e.api)
	}
	return fmt.Sprintf("the broker speaks %s v%d to v%d, we speak v%d to v%d",
		e.api, e.theirs.min, e.theirs.max, e.ours.min, e.ours.max)
}

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
	var version *versionError
	var conn *connError
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
	case errors.Is(err, errClosed):
		return fault.Unavailable, "try again"
	case errors.Is(err, errDropped):
		return fault.Unavailable, "check the load and the health of the broker"
	case errors.As(err, &conn):
		return diagnoseConn(conn)
	case isTimeout(err):
		return fault.Unavailable, "check the load and the health of the brokers"
	}
	return fault.Unavailable, ""
}
