package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"

	"google.golang.org/grpc/credentials"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// serverCredentials returns the gRPC server's TLS, or nil where none is
// configured. The files are read once now, to fail at once, and then for each
// connection: KEDA holds one for half an hour, so that costs nothing and a renewed
// certificate is served without a restart.
func serverCredentials(c config.ServerTLS) (credentials.TransportCredentials, error) {
	if c.CertFile == "" {
		return nil, nil
	}
	if _, err := serverTLS(c); err != nil {
		return nil, err
	}
	return credentials.NewTLS(&tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return serverTLS(c) },
	}), nil
}

func serverTLS(c config.ServerTLS) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, tlsError("certificate and key from "+c.CertFile+" and "+c.KeyFile, err)
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}, Certificates: []tls.Certificate{certificate}}
	if c.ClientCAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.ClientCAFile)
	if err != nil {
		return nil, tlsError("client authorities from "+c.ClientCAFile, err)
	}
	t.ClientAuth, t.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !t.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, tlsError("client authorities from "+c.ClientCAFile, errors.New("it holds no PEM certificate"))
	}
	return t, nil
}

func tlsError(object string, err error) error {
	return &fault.Error{
		Kind: fault.Invalid, Op: "read the gRPC server's", Object: object, Err: err,
		Remedy: "check grpc.tls and the mounted Secret",
	}
}
