// Publish copies the pictures of the last run of the scenarios from e2e/out to
// docs/e2e, with a page that says what each of them shows. It refuses if any
// scenario failed or is missing.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/e2e/harness"
)

func main() {
	log.SetFlags(0)
	from := flag.String("from", "out", "folder with the results")
	to := flag.String("to", "../docs/e2e", "folder to publish to")
	commit := flag.String("commit", "", "the commit that was tested")
	flag.Parse()
	if *commit == "" {
		log.Fatal("publish: -commit is missing")
	}
	if err := publish(*from, *to, *commit); err != nil {
		log.Fatal("publish: ", err)
	}
}

func publish(from, to, commit string) error {
	results, err := read(from)
	if err != nil {
		return err
	}
	if err := check(results); err != nil {
		return err
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, r := range results {
		picture, err := os.ReadFile(filepath.Join(from, r.Name, "timeline.svg"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, r.Name+".svg"), picture, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(to, "README.md"), []byte(page(results, commit)), 0o644)
}

// read returns all results, by title.
func read(dir string) ([]harness.Result, error) {
	files, err := fs.Glob(os.DirFS(dir), "*/result.json")
	if err != nil {
		return nil, err
	}
	var results []harness.Result
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		var r harness.Result
		if err := json.Unmarshal(content, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		results = append(results, r)
	}
	slices.SortFunc(results, func(a, b harness.Result) int { return strings.Compare(a.Title, b.Title) })
	return results, nil
}

// scenarios is how many there are; the titles begin with their numbers.
const scenarios = 7

func check(results []harness.Result) error {
	var errs []error
	for n := range scenarios {
		prefix := fmt.Sprintf("%d. ", n+1)
		if !slices.ContainsFunc(results, func(r harness.Result) bool { return strings.HasPrefix(r.Title, prefix) }) {
			errs = append(errs, fmt.Errorf("scenario %d has no result", n+1))
		}
	}
	for _, r := range results {
		if !r.Passed {
			errs = append(errs, fmt.Errorf("%s failed", r.Name))
		}
	}
	return errors.Join(errs...)
}

func page(results []harness.Result, commit string) string {
	var b strings.Builder
	fmt.Fprintf(&b, intro, commit)
	for _, r := range results {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", r.Title, r.Name, join(r.Asserted), join(r.Figures))
	}
	for _, r := range results {
		fmt.Fprintf(&b, "\n<a id=%q></a>\n## %s\n\n![%s](%s.svg)\n", r.Name, r.Title, r.Title, r.Name)
	}
	return b.String()
}

const intro = `<!-- Made by make e2e-pictures. Do not edit. -->
# The whole loop

What follows was recorded by ` + "`make e2e`" + ` at commit %s: a real Kubernetes
control plane (etcd, API server, controllers with the HPA), real KEDA, real
Kafka, the kafka-scaler binary with the configuration of deploy/scaler.yaml, and
ScaledObjects made from deploy/scaledobject.yaml, all as processes on one
machine with two cores. In the place of a kubelet, an agent runs a real consumer
for each pod. Polling intervals, cooldowns and the HPA's period are a few seconds,
so that a scenario takes a minute; lag is what the test itself reads from Kafka,
the metric is what the HPA saw.

| Scenario | What is asserted | What was measured |
|---|---|---|
`

func join(lines []string) string {
	return strings.ReplaceAll(strings.Join(lines, "<br>"), "|", `\|`)
}
