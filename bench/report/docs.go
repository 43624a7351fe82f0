package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	dataFile    = "result.json"
	pictureFile = "growth.svg"
)

// Write writes everything into a folder: result.json, points.csv, growth.svg and
// result.md.
func (r *Result) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	var picture, page bytes.Buffer
	if err := r.Picture(&picture); err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	r.Page(&page, pictureFile)
	var errs []error
	for name, content := range map[string][]byte{dataFile: data, "points.csv": r.points(), pictureFile: picture.Bytes(), "result.md": page.Bytes()} {
		errs = append(errs, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	return errors.Join(errs...)
}

// Read returns the result that was written into a folder.
func Read(dir string) (*Result, error) {
	data, err := os.ReadFile(filepath.Join(dir, dataFile))
	if err != nil {
		return nil, err
	}
	r := &Result{}
	return r, json.Unmarshal(data, r)
}

func (r *Result) points() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"who", "axis", "x", "cluster", "triggers", "cpu_ms", "wall_ms", "requests", "connections", "rss_bytes", "stopped", "load_average"})
	for _, p := range r.Points {
		number := func(f float64) string { return strconv.FormatFloat(f, 'f', 3, 64) }
		_ = w.Write([]string{
			p.Who, p.Axis, strconv.Itoa(p.X), p.Cluster, strconv.Itoa(p.Triggers), number(p.CPUMS), number(p.WallMS), number(p.Requests),
			strconv.Itoa(p.Connections), strconv.FormatInt(p.RSS, 10), cell(p.Stopped), number(p.LoadAverage),
		})
	}
	w.Flush()
	return b.Bytes()
}

// WriteDocs puts the section into docs/performance.md, in the place of the one that
// was there, and the picture beside it. All other sections are left alone.
func (r *Result) WriteDocs(docs string) error {
	var picture, section bytes.Buffer
	if err := r.Picture(&picture); err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(docs, "bench"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(docs, "bench", pictureFile), picture.Bytes(), 0o644); err != nil {
		return err
	}
	r.Page(&section, "bench/"+pictureFile)
	path := filepath.Join(docs, "performance.md")
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(replaceSection(string(old), section.String())), 0o644)
}

// replaceSection replaces the section that begins with [Heading], or adds it at the end.
func replaceSection(page, section string) string {
	if page == "" {
		page = "# Performance\n"
	}
	section = strings.TrimRight(section, "\n") + "\n"
	before, rest, found := strings.Cut("\n"+page, "\n"+Heading+"\n")
	before = strings.TrimLeft(before, "\n")
	if !found {
		return strings.TrimRight(page, "\n") + "\n\n" + section
	}
	after := ""
	if i := strings.Index("\n"+rest, "\n## "); i >= 0 {
		after = "\n" + rest[i:]
	}
	return strings.TrimRight(before, "\n") + "\n\n" + section + after
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
