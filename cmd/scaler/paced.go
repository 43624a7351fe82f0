package main

import (
	"compress/gzip"
	"net/http"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

// paced has a handler that writes a long page, in small pieces, give way to KEDA's calls in between: a page of 20,000
// triggers takes a tenth of a second of the processor. It compresses the page for who takes that.
func paced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn := pace.New().Of(r.Context())
		turn.Begin()
		defer turn.End()
		page := &pacedPage{ResponseWriter: w, turn: turn}
		w.Header().Add("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			page.zip = gzip.NewWriter(w)
			defer page.end()
		}
		next.ServeHTTP(page, r)
	})
}

// pacedPage is a response that pauses.
type pacedPage struct {
	http.ResponseWriter
	turn *pace.Worker
	// zip compresses; nil where the client does not want that.
	zip *gzip.Writer
}

// WriteHeader implements http.ResponseWriter. An error is written as it is.
func (p *pacedPage) WriteHeader(code int) {
	if code != http.StatusOK {
		p.zip = nil
		p.Header().Del("Content-Encoding")
	}
	p.ResponseWriter.WriteHeader(code)
}

func (p *pacedPage) end() {
	if p.zip != nil {
		_ = p.zip.Close() // a client that went away is no failure
	}
}

// Write implements http.ResponseWriter.
func (p *pacedPage) Write(b []byte) (int, error) {
	p.turn.Pause()
	if p.zip != nil {
		return p.zip.Write(b)
	}
	return p.ResponseWriter.Write(b)
}
