package product

import (
	"fmt"
	"strconv"
	"strings"
)

// sum adds up the series of a metric in Prometheus' text format whose labels
// contain each of the texts. A metric without any series is an error: it was
// probably renamed.
func sum(page, name string, labels []string) (float64, error) {
	total, found := 0.0, false
	for line := range strings.Lines(page) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		base, set, _ := strings.Cut(series, "{")
		if i := strings.LastIndex(line, "} "); i >= 0 {
			base, set, _ = strings.Cut(line[:i], "{")
			value = strings.TrimSpace(line[i+2:])
		}
		if !ok || base != name || !containsAll(set, labels) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s: %w", name, err)
		}
		total, found = total+v, true
	}
	if !found {
		return 0, fmt.Errorf("no series of metric %s with %q", name, labels)
	}
	return total, nil
}

func containsAll(s string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(s, part) {
			return false
		}
	}
	return true
}
