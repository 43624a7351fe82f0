package explain

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// dial returns the Explain RPC of the running scaler.
func (s *scalerFlags) dial() (askFunc, func(), error) {
	creds, err := s.credentials()
	if err != nil {
		return nil, nil, err
	}
	conn, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(creds))
	if err != nil {
		return nil, nil, fmt.Errorf("connect to the scaler at %s: %w", s.address, err)
	}
	client := kafkascalerv1.NewKafkaScalerServiceClient(conn)
	ask := func(ctx context.Context, req *kafkascalerv1.ExplainRequest) (*kafkascalerv1.ExplainResponse, error) {
		response, err := client.Explain(ctx, req)
		return response, cli.PlainStatus(s.unanswered(err))
	}
	return ask, func() { _ = conn.Close() }, nil
}

func (s *scalerFlags) encrypts() bool { return hasAny(s.ca, s.cert, s.key) }

func (s *scalerFlags) credentials() (credentials.TransportCredentials, error) {
	if !s.encrypts() {
		return insecure.NewCredentials(), nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read %s: no certificate in it", s.ca)
		}
	}
	if hasAny(s.cert, s.key) {
		pair, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return nil, fmt.Errorf("read the client certificate: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(cfg), nil
}

// unanswered turns the errors of a call that never reached a scaler into those of
// ours; a scaler's own pass as they are.
func (s *scalerFlags) unanswered(err error) error {
	e := &fault.Error{Kind: fault.Unavailable, Op: "ask the scaler at", Object: s.address}
	if s.encrypts() {
		e.Object += " with TLS"
	}
	switch status.Code(err) {
	case codes.Unavailable:
		e.Err = plainTransport(err)
	case codes.DeadlineExceeded:
		e.Err = fmt.Errorf("no answer within %s", timeout)
	case codes.Unimplemented:
		e.Err = errors.New("what answers there is no kafka-scaler")
	default:
		return err
	}
	const there = "check that the scaler's gRPC port is there (one in a cluster: kubectl -n NAMESPACE port-forward deploy/kafka-scaler 6000, then --scaler-address localhost:6000), and "
	if s.encrypts() {
		e.Remedy = there + "that it has TLS and a certificate for this host name signed by --scaler-ca-file; one that asks for a client certificate needs --scaler-cert-file and --scaler-key-file"
	} else {
		e.Remedy = there + "give --scaler-ca-file if it has TLS"
	}
	return e
}

// plainTransport is what went wrong with a connection, without grpc's wrapping.
func plainTransport(err error) error {
	text := status.Convert(err).Message()
	if _, quoted, ok := strings.Cut(text, "desc = "); ok {
		if plain, err := strconv.Unquote(quoted); err == nil {
			text = plain
		}
	}
	for _, prefix := range []string{"transport: Error while dialing: ", "transport: authentication handshake failed: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return errors.New(text)
}
