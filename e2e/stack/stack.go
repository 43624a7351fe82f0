package stack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/proc"
)

// Options say how the control plane behaves.
type Options struct {
	// Tools is the path of e2e/tools.
	Tools string
	// Dir takes data, keys and logs.
	Dir string
	// SyncPeriod is the HPA controller's period; Kubernetes' own default is 15 s.
	SyncPeriod time.Duration
}

// Stack is a running control plane with KEDA.
type Stack struct {
	Kube *Kube
	// Operator is KEDA's operator, which tests restart.
	Operator *proc.Process

	opts      Options
	bin, keda string
	pki       *pki
	ports     ports
	reserved  []*proc.Port
	server    string
	processes []*proc.Process
	operator  func() *exec.Cmd
}

// ports are the listeners of the stack, all on loopback.
type ports struct {
	etcd, etcdPeer, apiserver, controllers                int
	operatorMetrics, operatorHealth, operatorGRPC         int
	adapter, adapterMetrics, webhooks, webhookM, webhookH int
}

const (
	startLimit = 60 * time.Second
	stopGrace  = 10 * time.Second
)

// Start starts everything and returns when KEDA serves external metrics. On
// failure it stops what it started.
func Start(ctx context.Context, opts Options) (_ *Stack, err error) {
	s := &Stack{opts: opts}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	if s.bin, err = Binaries(ctx, opts.Tools); err != nil {
		return nil, err
	}
	if s.keda, err = kedaConfig(ctx, opts.Tools); err != nil {
		return nil, err
	}
	if err = os.MkdirAll(s.file("logs"), 0o755); err != nil {
		return nil, err
	}
	if s.pki, err = newPKI(s.file("pki")); err != nil {
		return nil, err
	}
	if err = s.choosePorts(); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{s.startControlPlane, s.installKEDA, s.startKEDA} {
		if err = step(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Stop ends every process, the last started first.
func (s *Stack) Stop() {
	for _, p := range slices.Backward(s.processes) {
		p.Stop(stopGrace)
	}
	for _, p := range s.reserved {
		_ = p.Release() // closes a socket that nobody has written to
	}
	s.reserved = nil
}

// RestartOperator ends KEDA's operator and starts it again.
func (s *Stack) RestartOperator(ctx context.Context) error {
	s.Operator.Stop(stopGrace)
	return s.startOperator(ctx)
}

func (s *Stack) file(name string) string { return filepath.Join(s.opts.Dir, name) }

// choosePorts reserves a port for each listener, for as long as the stack lives: a restarted process comes back to its own.
func (s *Stack) choosePorts() error {
	p := &s.ports
	for _, port := range []*int{
		&p.etcd, &p.etcdPeer, &p.apiserver, &p.controllers, &p.operatorMetrics, &p.operatorHealth, &p.operatorGRPC,
		&p.adapter, &p.adapterMetrics, &p.webhooks, &p.webhookM, &p.webhookH,
	} {
		reserved, err := proc.ReservePort()
		if err != nil {
			return err
		}
		s.reserved = append(s.reserved, reserved)
		*port = reserved.Number()
	}
	return nil
}

func (s *Stack) start(name string, cmd *exec.Cmd) (*proc.Process, error) {
	p, err := proc.Start(name, s.file(filepath.Join("logs", name+".log")), cmd)
	if err != nil {
		return nil, err
	}
	s.processes = append(s.processes, p)
	return p, nil
}

func (s *Stack) command(binary string, args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(s.bin, binary), args...)
}

// get asks an address over HTTP(S) with the admin's certificate; the processes'
// own certificates are not what is tested, so https does not verify them.
func (s *Stack) get(url string) error {
	cert, err := tls.LoadX509KeyPair(s.pki.path("admin.crt"), s.pki.path("admin.key"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.pki.kube.cert)
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots, InsecureSkipVerify: true},
	}}
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}
