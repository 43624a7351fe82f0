package stack

import (
	"context"
	"fmt"
	"time"
)

func (s *Stack) startControlPlane(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.startEtcd, s.startAPIServer, s.startControllers} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) startEtcd(context.Context) error {
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", s.ports.etcd), fmt.Sprintf("http://127.0.0.1:%d", s.ports.etcdPeer)
	p, err := s.start("etcd", s.command("server", "--data-dir", s.file("etcd"), "--unsafe-no-fsync", "--log-level", "warn",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer))
	if err != nil {
		return err
	}
	return p.WaitReady(startLimit, func() error { return s.get(client + "/health") })
}

func (s *Stack) startAPIServer(context.Context) error {
	s.server = fmt.Sprintf("https://127.0.0.1:%d", s.ports.apiserver)
	p, err := s.start("kube-apiserver", s.command("kube-apiserver",
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", s.ports.etcd),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", s.ports.apiserver), "--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/24", "--authorization-mode=RBAC",
		"--client-ca-file="+s.pki.path("ca.crt"),
		"--tls-cert-file="+s.pki.path("apiserver.crt"), "--tls-private-key-file="+s.pki.path("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+s.pki.path("sa.pub"), "--service-account-signing-key-file="+s.pki.path("sa.key"),
		"--requestheader-client-ca-file="+s.pki.path("front-proxy-ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+s.pki.path("front-proxy-client.crt"), "--proxy-client-key-file="+s.pki.path("front-proxy-client.key"),
		"--shutdown-delay-duration=0s"))
	if err != nil {
		return err
	}
	if err := p.WaitReady(startLimit, func() error { return s.get(s.server + "/readyz") }); err != nil {
		return err
	}
	admin, err := s.pki.kubeconfig("admin", s.server)
	if err != nil {
		return err
	}
	s.Kube, err = newKube(admin)
	return err
}

func (s *Stack) startControllers(context.Context) error {
	config, err := s.pki.kubeconfig("controller-manager", s.server)
	if err != nil {
		return err
	}
	period := s.opts.SyncPeriod
	if period == 0 {
		period = time.Second
	}
	p, err := s.start("kube-controller-manager", s.command("kube-controller-manager",
		"--kubeconfig="+config, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", s.ports.controllers), "--leader-elect=false",
		"--use-service-account-credentials=true", "--service-account-private-key-file="+s.pki.path("sa.key"), "--root-ca-file="+s.pki.path("ca.crt"),
		"--controllers=deployment-controller,replicaset-controller,job-controller,horizontal-pod-autoscaler-controller,garbage-collector-controller,namespace-controller,serviceaccount-controller,serviceaccount-token-controller",
		"--horizontal-pod-autoscaler-sync-period="+period.String(), "--concurrent-deployment-syncs=5",
		// Its default of 20 requests a second makes 280 pods in a quarter of a minute: here only the scaler is to be seen.
		"--kube-api-qps=200", "--kube-api-burst=400"))
	if err != nil {
		return err
	}
	return p.WaitReady(startLimit, func() error { return s.get(fmt.Sprintf("https://127.0.0.1:%d/healthz", s.ports.controllers)) })
}
