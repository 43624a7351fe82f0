package kafka_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

// authority signs certificates for 127.0.0.1 and writes them to files.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.file = a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue returns the files of a new certificate and its key.
func (a *authority) issue(name string) (certFile, keyFile string) {
	a.t.Helper()
	key := newKey(a.t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".pem", "CERTIFICATE", der), a.write(name+"-key.pem", "PRIVATE KEY", keyDER)
}

// serverTLS is the fake's side. With clients, it asks for certificates that a signed.
func (a *authority) serverTLS(clients bool) *tls.Config {
	a.t.Helper()
	cert, err := tls.LoadX509KeyPair(a.issue("broker"))
	if err != nil {
		a.t.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}}
	if clients {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
		cfg.ClientCAs = x509.NewCertPool()
		cfg.ClientCAs.AddCert(a.cert)
	}
	return cfg
}

func user(name, password string, mechanism kafka.Mechanism) *kafka.SASL {
	return &kafka.SASL{
		Mechanism: mechanism,
		Username:  func() (string, error) { return name, nil },
		Password:  func() (string, error) { return password, nil },
	}
}

func TestSecurityProtocols(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	cert, key := ca.issue("client")
	strangerCert, strangerKey := other.issue("stranger")
	users := []kfake.Opt{
		kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "pw-of-u"),
		kfake.Superuser("SCRAM-SHA-256", "u", "pw-of-u"), kfake.Superuser("SCRAM-SHA-512", "u", "pw-of-u"),
	}
	trusting := &kafka.TLS{CAFile: ca.file}
	mutual := &kafka.TLS{CAFile: ca.file, CertFile: cert, KeyFile: key}
	tests := map[string]struct {
		broker []kfake.Opt
		tls    *kafka.TLS
		sasl   *kafka.SASL
		kind   fault.Kind // meaningless without says
		says   string     // what the error says; empty: it works
	}{
		"plaintext":             {},
		"PLAIN":                 {broker: users, sasl: user("u", "pw-of-u", kafka.Plain)},
		"SCRAM-SHA-256":         {broker: users, sasl: user("u", "pw-of-u", kafka.ScramSHA256)},
		"SCRAM-SHA-512":         {broker: users, sasl: user("u", "pw-of-u", kafka.ScramSHA512)},
		"TLS":                   {broker: []kfake.Opt{kfake.TLS(ca.serverTLS(false))}, tls: trusting},
		"mutual TLS":            {broker: []kfake.Opt{kfake.TLS(ca.serverTLS(true))}, tls: mutual},
		"TLS and SCRAM-SHA-512": {broker: append(users, kfake.TLS(ca.serverTLS(false))), tls: trusting, sasl: user("u", "pw-of-u", kafka.ScramSHA512)},
		"certificates unchecked": {
			broker: []kfake.Opt{kfake.TLS(ca.serverTLS(false))}, tls: &kafka.TLS{InsecureSkipVerify: true},
		},

		"wrong PLAIN password": {
			broker: users, sasl: user("u", "wrong-pw", kafka.Plain),
			kind: fault.Denied, says: "correct mechanism, username and password",
		},
		"wrong SCRAM password": {
			broker: users, sasl: user("u", "wrong-pw", kafka.ScramSHA512),
			kind: fault.Denied, says: "correct mechanism, username and password",
		},
		"no SASL to a SASL listener": {broker: users, kind: fault.Unavailable, says: "expect SASL"},
		"no TLS to a TLS listener": {
			broker: []kfake.Opt{kfake.TLS(ca.serverTLS(false))},
			kind:   fault.Unavailable, says: "expect",
		},
		"TLS to a plaintext listener": {tls: trusting, kind: fault.Unavailable, says: "expect no TLS"},
		"another CA": {
			broker: []kfake.Opt{kfake.TLS(ca.serverTLS(false))}, tls: &kafka.TLS{CAFile: other.file},
			kind: fault.Precondition, says: "caFile",
		},
		"another host": {
			broker: []kfake.Opt{kfake.TLS(ca.serverTLS(false))}, tls: &kafka.TLS{CAFile: ca.file, ServerName: "kafka.example"},
			kind: fault.Precondition, says: "serverName",
		},
		"no client certificate": {
			broker: []kfake.Opt{kfake.TLS(ca.serverTLS(true))}, tls: trusting,
			kind: fault.Denied, says: "certificate",
		},
		"a client certificate of another CA": {
			broker: []kfake.Opt{kfake.TLS(ca.serverTLS(true))},
			tls:    &kafka.TLS{CAFile: ca.file, CertFile: strangerCert, KeyFile: strangerKey},
			kind:   fault.Denied, says: "certificate",
		},
		"no CA file": {
			tls:  &kafka.TLS{CAFile: filepath.Join(ca.dir, "absent.pem")},
			kind: fault.Precondition, says: "absent.pem",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakekafka.Start(t, 1, append(test.broker, kfake.SeedTopics(1, "t0"))...)
			client := newClient(t, fake, func(c *kafka.Config) { c.TLS, c.SASL, c.DialTimeout = test.tls, test.sasl, 2*time.Second })
			topics, err := client.Topics(within(t, callTime), []string{"t0"})
			if test.says == "" {
				if err != nil || topics[0].Err != nil {
					t.Errorf("got %v, %v", topics, err)
				}
				return
			}
			wantKind(t, err, test.kind)
			if err != nil && (!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "wrong-pw")) {
				t.Errorf("%q should say %q, and no password", err, test.says)
			}
		})
	}
}

func TestRotatedCredentialsAreUsed(t *testing.T) {
	fake := fakekafka.Start(t, 1, kfake.SeedTopics(1, "t0"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "second"))
	password := "first"
	client := newClient(t, fake, func(c *kafka.Config) {
		c.SASL = user("u", "", kafka.Plain)
		c.SASL.Password = func() (string, error) { return password, nil }
	})
	_, err := client.Topics(within(t, callTime), nil)
	wantKind(t, err, fault.Denied)
	password = "second"
	for deadline := time.Now().Add(callTime); ; time.Sleep(50 * time.Millisecond) {
		if _, err = client.Topics(within(t, callTime), nil); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestPasswordThatCannotBeRead(t *testing.T) {
	fake := fakekafka.Start(t, 1)
	client := newClient(t, fake, func(c *kafka.Config) {
		c.SASL = user("u", "", kafka.Plain)
		c.SASL.Password = func() (string, error) { return "", errors.New("no such secret") }
	})
	_, err := client.Topics(within(t, callTime), nil)
	wantKind(t, err, fault.Precondition)
	if err != nil && !strings.Contains(err.Error(), "no such secret") {
		t.Errorf("%q does not say why", err)
	}
}

func TestConfigThatCannotWork(t *testing.T) {
	tests := map[string]struct {
		cfg  kafka.Config
		says string
	}{
		"no server":         {kafka.Config{}, "no bootstrap server"},
		"no port":           {kafka.Config{BootstrapServers: []string{"kafka"}}, `"kafka" is not host:port`},
		"negative timeout":  {kafka.Config{BootstrapServers: []string{"kafka:9092"}, RequestTimeout: -1}, "a negative timeout"},
		"negative limit":    {kafka.Config{BootstrapServers: []string{"kafka:9092"}, MaxGroupsPerRequest: -1}, "a negative limit"},
		"half a key pair":   {kafka.Config{BootstrapServers: []string{"kafka:9092"}, TLS: &kafka.TLS{CertFile: "c"}}, "certificate and its key"},
		"unknown mechanism": {kafka.Config{BootstrapServers: []string{"kafka:9092"}, SASL: user("u", "p", kafka.MechanismOf("scram"))}, `"scram" is not one of`},
		"no password":       {kafka.Config{BootstrapServers: []string{"kafka:9092"}, SASL: &kafka.SASL{Mechanism: kafka.Plain}}, "username and a password"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := kafka.New(test.cfg, kafka.Options{})
			wantKind(t, err, fault.Invalid)
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q does not say %q", err, test.says)
			}
		})
	}
}
