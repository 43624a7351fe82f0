package stack

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority is a certificate authority of the test cluster.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// leaf describes a certificate: whose it is and for which names.
type leaf struct {
	commonName   string
	organization []string
	dns          []string
}

// pki is every key and certificate of the cluster, as files in dir.
type pki struct {
	dir        string
	kube, keda *authority
}

const validity = 24 * time.Hour

// newPKI writes what the processes need. KEDA's client certificate carries the
// name of its ServiceAccount, so that it runs under its real RBAC without a token.
func newPKI(dir string) (*pki, error) {
	p := &pki{dir: dir}
	if err := os.MkdirAll(p.path("keda"), 0o700); err != nil {
		return nil, err
	}
	var front *authority
	for name, into := range map[string]**authority{"ca": &p.kube, "front-proxy-ca": &front, "keda/ca": &p.keda} {
		ca, err := newAuthority(name)
		if err != nil {
			return nil, err
		}
		*into = ca
		if err := os.WriteFile(p.path(name+".crt"), ca.pem, 0o600); err != nil {
			return nil, err
		}
	}
	services := []string{"localhost", "keda-operator.keda.svc", "keda-metrics-apiserver.keda.svc", "keda-admission-webhooks.keda.svc"}
	for name, by := range map[string]struct {
		ca *authority
		leaf
	}{
		"apiserver":          {p.kube, leaf{"kube-apiserver", nil, []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}}},
		"front-proxy-client": {front, leaf{commonName: "front-proxy-client"}},
		"admin":              {p.kube, leaf{commonName: "admin", organization: []string{"system:masters"}}},
		"controller-manager": {p.kube, leaf{commonName: "system:kube-controller-manager"}},
		"keda-client":        {p.kube, leaf{commonName: "system:serviceaccount:keda:keda-operator", organization: []string{"system:serviceaccounts"}}},
		"keda/tls":           {p.keda, leaf{"keda", nil, services}},
	} {
		if err := p.issue(name, by.ca, by.leaf); err != nil {
			return nil, fmt.Errorf("issue certificate %s: %w", name, err)
		}
	}
	return p, p.serviceAccountKey()
}

func (p *pki) path(name string) string { return filepath.Join(p.dir, name) }

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := template(leaf{commonName: name})
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

func template(l leaf) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: l.commonName, Organization: l.organization},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(validity),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    l.dns, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)},
	}
}

func (p *pki) issue(name string, ca *authority, l leaf) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := template(l)
	if l.dns == nil {
		t.IPAddresses = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return p.write(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func (p *pki) write(name string, cert, key []byte) error {
	if err := os.WriteFile(p.path(name+".crt"), cert, 0o600); err != nil {
		return err
	}
	return os.WriteFile(p.path(name+".key"), key, 0o600)
}

// serviceAccountKey makes the key that signs ServiceAccount tokens.
func (p *pki) serviceAccountKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.path("sa.pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(p.path("sa.key"), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600)
}

// kubeconfig writes a kubeconfig for the owner of the named certificate and returns its path.
func (p *pki) kubeconfig(name, server string) (string, error) {
	var data [3]string
	for i, file := range []string{"ca.crt", name + ".crt", name + ".key"} {
		content, err := os.ReadFile(p.path(file))
		if err != nil {
			return "", err
		}
		data[i] = base64.StdEncoding.EncodeToString(content)
	}
	path := p.path(name + ".kubeconfig")
	return path, os.WriteFile(path, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: e2e, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: e2e, context: {cluster: e2e, user: e2e}}]
current-context: e2e
`, server, data[0], data[1], data[2]), 0o600)
}

// caBundle is an authority's certificate as Kubernetes objects want it.
func (a *authority) caBundle() string { return base64.StdEncoding.EncodeToString(a.pem) }
