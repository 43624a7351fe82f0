package kafkabroker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificates are the files with which a client meets a cluster's TLS listeners.
// They lie in the cluster's temporary directory, in PEM.
type Certificates struct {
	// CAFile is the authority that signed the brokers' and the client's certificate.
	CAFile string
	// ClientFile and ClientKeyFile are a client's certificate and its key (PKCS#8).
	ClientFile, ClientKeyFile string
	// ClientPrincipal is who the client is to the authorizer.
	ClientPrincipal string

	// brokerStore is the brokers' key and certificate in one file, as Kafka wants it.
	brokerStore string
}

// Authority signs certificates for one hour of tests. One that is not the
// cluster's own signs what the cluster must refuse.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	// PEM is the authority's own certificate.
	PEM []byte
}

// NewAuthority makes a certificate authority.
func NewAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificate("kafka-scaler test authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Authority{certificate: parsed, key: key, PEM: block("CERTIFICATE", der)}, nil
}

// Issue signs a certificate, for a server on loopback as well as for a client,
// and returns it with its key in PEM.
func (a *Authority) Issue(commonName string) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := certificate(commonName)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, private.Public(), a.key)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", pkcs8), nil
}

// certificate is what every certificate here has in common. It is valid from a
// while ago, for clocks that differ.
func certificate(commonName string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func writeCertificates(dir string) (*Certificates, error) {
	const client = "kafka-scaler"
	ca, err := NewAuthority()
	if err != nil {
		return nil, fmt.Errorf("make test certificates: %w", err)
	}
	brokerCert, brokerKey, brokerErr := ca.Issue("broker")
	clientCert, clientKey, clientErr := ca.Issue(client)
	files := &Certificates{
		CAFile:          filepath.Join(dir, "ca.pem"),
		ClientFile:      filepath.Join(dir, "client.pem"),
		ClientKeyFile:   filepath.Join(dir, "client-key.pem"),
		ClientPrincipal: "User:CN=" + client,
		brokerStore:     filepath.Join(dir, "broker-store.pem"),
	}
	return files, errors.Join(brokerErr, clientErr,
		os.WriteFile(files.CAFile, ca.PEM, 0o600),
		os.WriteFile(files.ClientFile, clientCert, 0o600),
		os.WriteFile(files.ClientKeyFile, clientKey, 0o600),
		os.WriteFile(files.brokerStore, append(brokerKey, brokerCert...), 0o600),
	)
}
