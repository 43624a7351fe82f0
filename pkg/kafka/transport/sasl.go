package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// Version 1 of SaslHandshake and no other: in version 0, what follows is not framed as
// Kafka messages. Version 1 of SaslAuthenticate is the first that tells how long the
// session lasts; a newer one tells no more.
var (
	saslHandshakeVersions    = Span{1, 1}
	saslAuthenticateVersions = Span{0, 1}
)

// SASL says who the client is. Username and Password are asked for every new
// connection, so that a rotated credential is used without a restart.
type SASL struct {
	Mechanism          Mechanism
	Username, Password func() (string, error)
}

// Validate returns what can never work.
func (s *SASL) Validate() error {
	switch {
	case s.Mechanism == nil:
		return errors.New("SASL needs a mechanism")
	case !s.Mechanism.known():
		return fmt.Errorf("SASL mechanism %q is not one of %s, %s, %s", s.Mechanism, Plain, ScramSHA256, ScramSHA512)
	case s.Username == nil || s.Password == nil:
		return errors.New("SASL needs a username and a password")
	}
	return nil
}

// credential is one reading of the username and password.
type credential struct{ username, password string }

func (s *SASL) read() (credential, error) {
	user, err := s.Username()
	if err != nil {
		return credential{}, credentialError("username", err)
	}
	password, err := s.Password()
	if err != nil {
		return credential{}, credentialError("password", err)
	}
	return credential{user, password}, nil
}

func credentialError(what string, err error) error {
	return &fault.Error{
		Kind: fault.Precondition, Op: "read", Object: "SASL " + what, Err: err,
		Remedy: "check the mounted secret or environment variable that the cluster's sasl settings name",
	}
}

// redact keeps the password out of a text that a broker made.
func (c credential) redact(s string) string {
	if c.password == "" {
		return s
	}
	return strings.ReplaceAll(s, c.password, "***")
}

// Authenticate runs the SASL exchange on a fresh connection, under the deadline
// that the connection already has.
func (c *Conn) Authenticate(ctx context.Context, s *SASL, addr string) error {
	cred, err := s.read()
	if err != nil {
		return err
	}
	mechanism, err := s.Mechanism.start(cred)
	if err != nil {
		// Validate has found unknown mechanisms. The cause may quote the password: stringprep names the characters that it refuses.
		return &fault.Error{
			Kind: fault.Invalid, Op: "prepare", Object: "SASL credential",
			Err:    errors.New("username or password holds characters that SCRAM does not allow"),
			Remedy: "correct the credential",
		}
	}
	if err := c.handshake(ctx, mechanism.Name()); err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(addr)
	portNumber, _ := strconv.Atoi(port)
	ctx = sasl.WithMetadata(ctx, &sasl.Metadata{Host: host, Port: portNumber})
	session, message, err := mechanism.Start(ctx)
	if err != nil {
		return errors.New(cred.redact(err.Error()))
	}
	for done := false; !done; {
		challenge, err := c.saslRound(ctx, message, cred)
		if err != nil {
			return err
		}
		done, message, err = session.Next(ctx, challenge)
		if err == nil {
			continue
		}
		if _, ours := errors.AsType[*fault.Error](err); ours || ctx.Err() != nil {
			return err
		}
		return wire.WithMessage(58, cred.redact(err.Error()))
	}
	return nil
}

// handshake agrees on the mechanism.
func (c *Conn) handshake(ctx context.Context, mechanism string) error {
	req := NewMessage(&saslhandshake.Request{Mechanism: mechanism})
	if _, err := c.Exchange(ctx, req, saslHandshakeVersions); err != nil {
		return err
	}
	answer := req.Answer.(*saslhandshake.Response)
	if answer.ErrorCode != 0 {
		text := ""
		if len(answer.Mechanisms) > 0 {
			text = fmt.Sprintf("%s asked for, the broker has %s", mechanism, strings.Join(answer.Mechanisms, ", "))
		}
		return wire.WithMessage(answer.ErrorCode, text)
	}
	return nil
}

func (c *Conn) saslRound(ctx context.Context, message []byte, cred credential) ([]byte, error) {
	req := NewMessage(&saslauthenticate.Request{AuthBytes: message})
	if _, err := c.Exchange(ctx, req, saslAuthenticateVersions); err != nil {
		return nil, err
	}
	answer := req.Answer.(*saslauthenticate.Response)
	if answer.ErrorCode != 0 {
		return nil, wire.WithMessage(answer.ErrorCode, cred.redact(answer.ErrorMessage))
	}
	if life := answer.SessionLifetimeMs; life > 0 {
		// KIP-368: the broker closes a connection that outlives its session. We do not authenticate
		// twice on one; it is replaced in time.
		c.expires = time.Now().Add(time.Duration(life) * time.Millisecond * 8 / 10)
	}
	return answer.AuthBytes, nil
}
