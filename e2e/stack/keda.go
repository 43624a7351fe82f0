package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const namespace = "keda"

// installKEDA applies KEDA's own CRDs and RBAC, and points the aggregated API
// and the webhooks at loopback. With no kube-proxy, an ExternalName service
// "localhost" is what the API server can dial.
func (s *Stack) installKEDA(ctx context.Context) error {
	if err := s.Kube.Apply(ctx, fmt.Appendf(nil, kedaNamespace, namespace)); err != nil {
		return err
	}
	var files []string
	for _, pattern := range []string{"crd/bases/*.yaml", "rbac/role.yaml", "rbac/role_binding.yaml", "metrics-server/role.yaml", "metrics-server/role_binding.yaml"} {
		matches, err := filepath.Glob(filepath.Join(s.keda, pattern))
		if err != nil || len(matches) == 0 {
			return fmt.Errorf("find %s in KEDA's module: %d files, %w", pattern, len(matches), err)
		}
		files = append(files, matches...)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := s.Kube.Apply(ctx, content); err != nil {
			return fmt.Errorf("apply %s: %w", filepath.Base(file), err)
		}
	}
	if err := s.Kube.waitDiscovered(ctx, "keda.sh/v1alpha1", "ScaledObject"); err != nil {
		return err
	}
	return s.Kube.Apply(ctx, fmt.Appendf(nil, kedaServices, namespace, s.ports.adapter, s.pki.keda.caBundle(), s.ports.webhooks))
}

const kedaNamespace = `
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: keda-operator, namespace: %[1]s}
`

const kedaServices = `
apiVersion: v1
kind: Service
metadata: {name: keda-metrics-apiserver, namespace: %[1]s}
spec: {type: ExternalName, externalName: localhost}
---
apiVersion: v1
kind: Service
metadata: {name: keda-admission-webhooks, namespace: %[1]s}
spec: {type: ExternalName, externalName: localhost}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.external.metrics.k8s.io}
spec:
  service: {name: keda-metrics-apiserver, namespace: %[1]s, port: %[2]d}
  caBundle: %[3]s
  group: external.metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: keda-admission}
webhooks:
  - name: vscaledobject.kb.io
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    clientConfig:
      caBundle: %[3]s
      service: {name: keda-admission-webhooks, namespace: %[1]s, port: %[4]d, path: /validate-keda-sh-v1alpha1-scaledobject}
    rules:
      - {apiGroups: [keda.sh], apiVersions: [v1alpha1], operations: [CREATE, UPDATE], resources: [scaledobjects]}
`

func (s *Stack) startKEDA(ctx context.Context) error {
	config, err := s.pki.kubeconfig("keda-client", s.server)
	if err != nil {
		return err
	}
	env := append(os.Environ(), "KUBECONFIG="+config, "POD_NAMESPACE="+namespace, "WATCH_NAMESPACE=",
		"KEDA_CLUSTER_OBJECT_NAMESPACE="+namespace, "KEDA_HTTP_DEFAULT_TIMEOUT=3000")
	certs := s.pki.path("keda")
	s.operator = func() *exec.Cmd {
		cmd := s.command("operator", "--leader-elect=false", "--enable-cert-rotation=false", "--cert-dir="+certs,
			fmt.Sprintf("--metrics-bind-address=127.0.0.1:%d", s.ports.operatorMetrics),
			fmt.Sprintf("--health-probe-bind-address=127.0.0.1:%d", s.ports.operatorHealth),
			fmt.Sprintf("--metrics-service-bind-address=127.0.0.1:%d", s.ports.operatorGRPC),
			"--zap-log-level=info", "--zap-encoder=console", "--zap-time-encoding=rfc3339nano")
		cmd.Env = env
		return cmd
	}
	if err := s.startWebhooks(env, certs); err != nil {
		return err
	}
	if err := s.startOperator(ctx); err != nil {
		return err
	}
	return s.startAdapter(ctx, env, certs, config)
}

func (s *Stack) startOperator(context.Context) error {
	p, err := s.start("keda-operator", s.operator())
	if err != nil {
		return err
	}
	s.Operator = p
	return p.WaitReady(startLimit, func() error { return s.get(fmt.Sprintf("http://127.0.0.1:%d/readyz", s.ports.operatorHealth)) })
}

func (s *Stack) startWebhooks(env []string, certs string) error {
	cmd := s.command("webhooks", "--cert-dir="+certs, fmt.Sprintf("--port=%d", s.ports.webhooks),
		fmt.Sprintf("--metrics-bind-address=127.0.0.1:%d", s.ports.webhookM), fmt.Sprintf("--health-probe-bind-address=127.0.0.1:%d", s.ports.webhookH))
	cmd.Env = env
	p, err := s.start("keda-webhooks", cmd)
	if err != nil {
		return err
	}
	return p.WaitReady(startLimit, func() error { return s.get(fmt.Sprintf("http://127.0.0.1:%d/readyz", s.ports.webhookH)) })
}

func (s *Stack) startAdapter(ctx context.Context, env []string, certs, config string) error {
	cmd := s.command("adapter", fmt.Sprintf("--secure-port=%d", s.ports.adapter), "--bind-address=127.0.0.1",
		fmt.Sprintf("--port=%d", s.ports.adapterMetrics), fmt.Sprintf("--metrics-service-address=localhost:%d", s.ports.operatorGRPC),
		"--client-ca-file="+s.pki.path("ca.crt"), "--tls-cert-file="+certs+"/tls.crt", "--tls-private-key-file="+certs+"/tls.key", "--cert-dir="+certs,
		"--lister-kubeconfig="+config, "--authentication-kubeconfig="+config, "--authorization-kubeconfig="+config)
	cmd.Env = env
	p, err := s.start("keda-adapter", cmd)
	if err != nil {
		return err
	}
	return p.WaitReady(startLimit, func() error { return s.Kube.APIServiceAvailable(ctx, "v1beta1.external.metrics.k8s.io") })
}
