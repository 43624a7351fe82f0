package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

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
		return client.Explain(ctx, req)
	}
	return ask, func() { _ = conn.Close() }, nil
}

func (s *scalerFlags) credentials() (credentials.TransportCredentials, error) {
	if !hasAny(s.ca, s.cert, s.key) {
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

// plainStatus is the text of a gRPC status: the code says nothing that the text does not.
func plainStatus(err error) error {
	if s, ok := status.FromError(err); ok {
		return errors.New(s.Message())
	}
	return err
}
