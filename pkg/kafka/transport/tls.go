package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// TLS says how connections are encrypted. The files are read for every new
// connection, so that rotated ones are used without a restart.
type TLS struct {
	// CAFile holds the PEM certificates that the brokers' must be signed by; empty means the system's.
	CAFile string
	// CertFile and KeyFile are the client's PEM certificate and unencrypted key, for mutual TLS. Both or neither.
	CertFile, KeyFile string
	// ServerName is what the brokers' certificates must be for; empty means the host that is connected to.
	ServerName string
	// InsecureSkipVerify accepts any certificate: whoever answers is taken for the broker.
	InsecureSkipVerify bool
}

// Validate returns what can never work.
func (t *TLS) Validate() error {
	if (t.CertFile == "") != (t.KeyFile == "") {
		return errors.New("TLS needs the client certificate and its key, or neither of them")
	}
	return nil
}

// config builds the settings for one connection to host.
func (t *TLS) config(host string) (*tls.Config, error) {
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify, //nolint:gosec // the operator asked for it by this name
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, tlsFileError("read CA certificates", t.CAFile, err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, tlsFileError("read CA certificates", t.CAFile, errors.New("it holds no PEM certificate"))
		}
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, tlsFileError("read client certificate and key", t.CertFile+" and "+t.KeyFile, err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}

func tlsFileError(op, path string, err error) error {
	return &fault.Error{
		Kind: fault.Precondition, Op: op, Object: fmt.Sprintf("from %s", path), Err: err,
		Remedy: "check the mounted secret and the path in the cluster's tls settings",
	}
}
