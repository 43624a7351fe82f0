package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// The HTTP server's bounds. A scrape of many triggers takes milliseconds.
const (
	httpReadTimeout     = 5 * time.Second
	httpWriteTimeout    = 15 * time.Second
	httpIdleTimeout     = 2 * time.Minute
	httpMaxHeaderBytes  = 16 << 10
	httpShutdownTimeout = 3 * time.Second
)

const httpIndex = `kafka-scaler: KEDA external scaler for Apache Kafka consumer groups

/metrics   Prometheus metrics
/healthz   200 while the process answers
/readyz    200 while KEDA's calls are answered: from start until shutdown begins
`

// pages are what the HTTP server shows.
type pages struct {
	gatherer prometheus.Gatherer
	log      *zap.Logger
	// ready is whether KEDA's calls are answered. A Kafka that is down does not change it: other clusters,
	// and errors that say what is wrong, are answers too, and no replica of the scaler could do better.
	ready atomic.Bool
}

// handler serves metrics and health. Liveness asks for nothing but an answer:
// there is no state of Kafka, and none of ours, that a restart is known to mend.
func (p *pages) handler() http.Handler {
	mux := http.NewServeMux()
	// Compression is that of paced.
	mux.Handle("GET /metrics", paced(promhttp.HandlerFor(p.gatherer, promhttp.HandlerOpts{ErrorLog: zap.NewStdLog(p.log), DisableCompression: true})))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plainText(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !p.ready.Load() {
			plainText(w, http.StatusServiceUnavailable, "not ready: the gRPC server is not serving\n")
			return
		}
		plainText(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { plainText(w, http.StatusOK, httpIndex) })
	return mux
}

func plainText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = fmt.Fprint(w, text) // a client that went away is no failure
}

// serve serves on the listener, which it closes, until ctx is done.
func (p *pages) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           p.handler(),
		ReadTimeout:       httpReadTimeout,
		ReadHeaderTimeout: httpReadTimeout,
		WriteTimeout:      httpWriteTimeout,
		IdleTimeout:       httpIdleTimeout,
		MaxHeaderBytes:    httpMaxHeaderBytes,
		ErrorLog:          zap.NewStdLog(p.log),
	}
	stopped := make(chan struct{})
	cancelled := context.AfterFunc(ctx, func() {
		defer close(stopped)
		timeout, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpShutdownTimeout)
		defer cancel()
		if err := server.Shutdown(timeout); err != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(listener)
	if !cancelled() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
