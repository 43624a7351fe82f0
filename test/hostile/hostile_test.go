//go:build realkafka

package hostile

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

var (
	duration  = flag.Duration("duration", 60*time.Second, "how long the attack lasts")
	calm      = flag.Duration("calm", 60*time.Second, "how long everything may take to be back where it was")
	seed      = flag.Uint64("seed", 1, "what attacks are drawn from")
	authentic = flag.Bool("real", false, "the honest cluster is a real Kafka")
	strict    = flag.Bool("timed", false, "what is late is a failure")
	idle      = flag.String("idle", "10s", "refresh.idleAfter of the scaler")
	attacking = flag.String("attacks", "", "only the attacks whose names match")
	kinds     = flag.String("kinds", "", "only the hostile brokers whose kinds match")
	out       = flag.String("out", "", "directory for the report, as text and JSON, and for the scaler's log; empty for none")
)

// TestHostile is the short form with its defaults, and the hostile hour with `make hostile`.
func TestHostile(t *testing.T) {
	o := Options{
		Seed: *seed, Duration: *duration, Calm: *calm, Authentic: *authentic, Timed: *strict, IdleAfter: *idle,
		Manifest: filepath.Join("..", "..", "deploy", "scaler.yaml"), Dir: t.TempDir(), Log: t.Logf,
	}
	if *attacking != "" {
		o.Attacks = regexp.MustCompile(*attacking)
	}
	if *kinds != "" {
		o.Kinds = regexp.MustCompile(*kinds)
	}
	if *out != "" {
		if err := os.MkdirAll(*out, 0o755); err != nil {
			t.Fatal(err)
		}
		o.Dir = *out
	}
	ctx, cancel := context.WithTimeout(t.Context(), o.Duration+o.Calm+5*time.Minute)
	defer cancel()
	report, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", report)
	for _, failure := range report.Failures() {
		t.Error(failure)
	}
	write(t, report)
}

// write keeps the report.
func write(t *testing.T, report *Report) {
	t.Helper()
	if *out == "" {
		return
	}
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{"report.json": data, "report.txt": []byte(report.String())} {
		if err := os.WriteFile(filepath.Join(*out, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
