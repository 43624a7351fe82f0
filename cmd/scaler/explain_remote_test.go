package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
)

// TestExplainWhereNoScalerIs: whatever stands in the way of a running scaler, the
// error says where it was looked for, and what to do with this command's flags.
func TestExplainWhereNoScalerIs(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	secured := httptest.NewUnstartedServer(http.NotFoundHandler())
	secured.EnableHTTP2, secured.Config.ErrorLog = true, log.New(io.Discard, "", 0)
	secured.StartTLS()
	defer secured.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other := grpc.NewServer()
	served := make(chan error, 1)
	go func() { served <- other.Serve(listener) }()
	defer func() {
		other.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	ca := filepath.Join(t.TempDir(), "ca.crt")
	writeFile(t, ca, newAuthority(t).pem)

	const port = "kubectl -n NAMESPACE port-forward deploy/kafka-scaler 6000"
	for name, tc := range map[string]struct {
		address string
		flags   []string
		want    []string
	}{
		"nobody listens":         {"127.0.0.1:1", nil, []string{": dial tcp 127.0.0.1:1: connect: connection refused; ", port, "--scaler-ca-file if it has TLS"}},
		"an HTTP port":           {web.Listener.Addr().String(), nil, []string{port}},
		"a TLS port":             {secured.Listener.Addr().String(), nil, []string{"give --scaler-ca-file if it has TLS"}},
		"a stranger's TLS":       {secured.Listener.Addr().String(), []string{"--scaler-ca-file", ca}, []string{" with TLS: tls: ", "certificate", "signed by --scaler-ca-file"}},
		"TLS to plaintext":       {web.Listener.Addr().String(), []string{"--scaler-ca-file", ca}, []string{" with TLS: ", "that it has TLS"}},
		"another gRPC service's": {listener.Addr().String(), nil, []string{"what answers there is no kafka-scaler", port}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs strings.Builder
			args := append([]string{"explain", "shop/orders", "--scaler-address", tc.address}, tc.flags...)
			code := execute(t.Context(), args, cli.Process{Stdout: &out, Stderr: &errs, LookupEnv: func(string) (string, bool) { return "", false }})
			if code != exitFailure {
				t.Errorf("exit code %d", code)
			}
			for _, want := range append(tc.want, "Error: shop/orders: ask the scaler at "+tc.address) {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("%q is not in\n%s", want, &errs)
				}
			}
			for _, noise := range []string{"transport:", "desc ="} {
				if strings.Contains(errs.String(), noise) {
					t.Errorf("%q is in\n%s", noise, &errs)
				}
			}
		})
	}
}
