package main

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestLongPagePauses: in a bubble of synthetic time, sleeping stands for work.
func TestLongPagePauses(t *testing.T) {
	for _, encoding := range []string{"", "gzip"} {
		t.Run("encoding "+encoding, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const lines = 1000
				h := paced(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					for range lines {
						time.Sleep(100 * time.Microsecond)
						_, _ = io.WriteString(w, "a line\n")
					}
				}))
				r, w := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody), httptest.NewRecorder()
				r.Header.Set("Accept-Encoding", encoding)
				began := time.Now()
				h.ServeHTTP(w, r)
				if took := time.Since(began); took < lines*(100+300)*time.Microsecond {
					t.Errorf("%d lines of 0.1 ms took %v: others got too little in between", lines, took)
				}
				if body := unpacked(t, w.Result()); body != strings.Repeat("a line\n", lines) {
					t.Errorf("the page has %d bytes", len(body))
				}
			})
		})
	}
}

// TestErrorOfAPageIsPlain: an error is text, whatever the client takes.
func TestErrorOfAPageIsPlain(t *testing.T) {
	h := paced(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no metrics today", http.StatusInternalServerError)
	}))
	r, w := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody), httptest.NewRecorder()
	r.Header.Set("Accept-Encoding", "gzip")
	h.ServeHTTP(w, r)
	if body := unpacked(t, w.Result()); w.Code != http.StatusInternalServerError || body != "no metrics today\n" {
		t.Errorf("%d %q", w.Code, body)
	}
}

func unpacked(t *testing.T, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		zip, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		in = zip
	}
	body, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
