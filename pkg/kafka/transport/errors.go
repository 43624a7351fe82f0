package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// ErrClosed is the cause of everything that fails because the client was closed.
var ErrClosed = errors.New("the client is closed")

// Stage is how far a connection had come.
type Stage string

// The stages.
const (
	StageConnect  Stage = "connect"
	StageTLS      Stage = "TLS handshake"
	StageVersions Stage = "API versions"
	StageSASL     Stage = "SASL authentication"
	StageIdentity Stage = "cluster id"
	StageRequest  Stage = "request"
)

// ConnError is a failure of a connection, with what is needed to say what is
// probably wrong.
type ConnError struct {
	stage     Stage
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

// Error says what happened at which address.
func (e *ConnError) Error() string {
	text := bare(e.err).Error()
	switch {
	case e.timeout:
		text = "no answer in time"
	case peerClosed(e.err):
		text = "the broker closed the connection"
	}
	if e.stage == StageRequest {
		return wire.Text(fmt.Sprintf("%s: %s", e.addr, text))
	}
	return wire.Text(fmt.Sprintf("%s: %s: %s", e.addr, e.stage, text))
}

// bare takes off what net says of a failure and ConnError says too: the operation and the address.
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

// LookupFailed is the failure to find the address of a host.
func LookupFailed(addr string, err error) *ConnError {
	return &ConnError{stage: StageConnect, addr: addr, timeout: IsTimeout(err), err: err}
}

// Unwrap returns the cause.
func (e *ConnError) Unwrap() error { return e.err }

// peerClosed tells whether the other side ended the connection.
func peerClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
}

// IsTimeout tells whether err says that a deadline passed, rather than that something went wrong by itself.
func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// VersionError is a request that no version of suits both sides.
type VersionError struct {
	api          string
	ours, theirs Span
	unknown      bool
}

// Error says which versions there are.
func (e *VersionError) Error() string {
	if e.unknown {
		return fmt.Sprintf("the broker does not know %s", e.api)
	}
	return fmt.Sprintf("the broker speaks %s v%d to v%d, we speak v%d to v%d",
		e.api, e.theirs.Min, e.theirs.Max, e.ours.Min, e.ours.Max)
}
