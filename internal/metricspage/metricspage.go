// Package metricspage reads a page of Prometheus metrics in its text form.
package metricspage

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Metrics are the values on a page, by series as it is written there.
type Metrics map[string]float64

// Parse reads a page. What is no sample is left out.
func Parse(page string) Metrics {
	m := Metrics{}
	for line := range strings.Lines(page) {
		series, value, found := strings.Cut(strings.TrimSpace(line), "} ")
		if !found {
			if series, value, found = strings.Cut(strings.TrimSpace(line), " "); !found || series == "#" {
				continue
			}
		} else {
			series += "}"
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			m[series] = v
		}
	}
	return m
}

// Sum adds all series of a metric that have each of the texts among their labels.
func (m Metrics) Sum(name string, labels ...string) float64 {
	sum := 0.0
	for series, v := range m {
		if is(series, name, labels) {
			sum += v
		}
	}
	return sum
}

func is(series, name string, labels []string) bool {
	rest, found := strings.CutPrefix(series, name)
	if !found || rest != "" && rest[0] != '{' {
		return false
	}
	return !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(rest, l) })
}

// Since returns how much each series has grown.
func (m Metrics) Since(before Metrics) Metrics {
	grown := Metrics{}
	for series, v := range m {
		grown[series] = v - before[series]
	}
	return grown
}

// By sums the series of a metric by the value of one label.
func (m Metrics) By(name, label string) map[string]float64 {
	sums := map[string]float64{}
	for series, v := range m {
		if !is(series, name, nil) {
			continue
		}
		if _, rest, found := strings.Cut(series, label+`="`); found {
			value, _, _ := strings.Cut(rest, `"`)
			sums[value] += v
		}
	}
	return sums
}

// Quantile is the upper bound of the bucket of a histogram that holds the
// quantile, in the histogram's unit; not a number where nothing was observed.
func (m Metrics) Quantile(q float64, name string, labels ...string) float64 {
	buckets := map[float64]float64{}
	for series, v := range m {
		if !is(series, name+"_bucket", labels) {
			continue
		}
		_, rest, _ := strings.Cut(series, `le="`)
		text, _, _ := strings.Cut(rest, `"`)
		if bound, err := strconv.ParseFloat(text, 64); err == nil {
			buckets[bound] += v
		}
	}
	total := buckets[math.Inf(1)]
	bounds := make([]float64, 0, len(buckets))
	for b := range buckets {
		bounds = append(bounds, b)
	}
	slices.Sort(bounds)
	for _, b := range bounds {
		if total > 0 && buckets[b] >= q*total {
			return b
		}
	}
	return math.NaN()
}
