package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	a.cert, a.key, a.pem, _ = a.sign(template)
	return a
}

// issue returns PEM files of a certificate for 127.0.0.1 with that serial number, and its key.
func (a *authority) issue(serial int64) (cert, key string) {
	a.t.Helper()
	_, _, cert, key = a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return cert, key
}

func (a *authority) sign(template *x509.Certificate) (cert *x509.Certificate, key *ecdsa.PrivateKey, certPEM, keyPEM string) {
	a.t.Helper()
	check := func(err error) {
		a.t.Helper()
		if err != nil {
			a.t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	parent, parentKey := a.cert, a.key
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	check(err)
	cert, err = x509.ParseCertificate(der)
	check(err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	check(err)
	return cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
}

// TestServeTLS: clients without a certificate of the authority are turned away,
// and a renewed server certificate is served without a restart.
func TestServeTLS(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	install := func(serial int64) {
		cert, key := ca.issue(serial)
		writeFile(t, filepath.Join(dir, "tls.crt"), cert)
		writeFile(t, filepath.Join(dir, "tls.key"), key)
	}
	install(100)
	writeFile(t, filepath.Join(dir, "ca.crt"), ca.pem)
	file := filepath.Join(dir, "config.yaml")
	writeFile(t, file, fmt.Sprintf("grpc: {tls: {certFile: %s/tls.crt, keyFile: %[1]s/tls.key, clientCAFile: %[1]s/ca.crt}}\n", dir)+
		"inlineBootstrapServers: {allow: ['*']}\n")
	s := serveInProcess(t, "--config", file)

	// ask makes one call with a certificate of the issuer and returns the serial number of the server's.
	ask := func(issuer *authority) (serial string, err error) {
		t.Helper()
		roots := x509.NewCertPool()
		roots.AddCert(ca.cert)
		client := &tls.Config{RootCAs: roots, VerifyConnection: func(c tls.ConnectionState) error {
			serial = c.PeerCertificates[0].SerialNumber.String()
			return nil
		}}
		if issuer != nil {
			pair, err := tls.X509KeyPair(pair(issuer.issue(7)))
			if err != nil {
				t.Fatal(err)
			}
			client.Certificates = []tls.Certificate{pair}
		}
		conn, err := grpc.NewClient(s.grpcAddress, grpc.WithTransportCredentials(credentials.NewTLS(client)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, err = pb.NewExternalScalerClient(conn).GetMetricSpec(t.Context(), ref("127.0.0.1:1"))
		return serial, err
	}
	if serial, err := ask(ca); err != nil || serial != "100" {
		t.Errorf("with a certificate: serial %s, %v", serial, err)
	}
	for name, issuer := range map[string]*authority{"without a certificate": nil, "with a stranger's certificate": stranger} {
		if _, err := ask(issuer); err == nil {
			t.Errorf("%s: answered", name)
		}
	}
	install(200)
	if serial, err := ask(ca); err != nil || serial != "200" {
		t.Errorf("after a renewal: serial %s, %v", serial, err)
	}
}

func pair(cert, key string) (certPEM, keyPEM []byte) { return []byte(cert), []byte(key) }
