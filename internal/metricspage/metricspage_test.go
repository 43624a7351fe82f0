package metricspage

import (
	"math"
	"testing"
)

const page = `# HELP requests Requests.
# TYPE requests counter
requests{cluster="a b",api="Fetch"} 3
requests{cluster="a b",api="Metadata"} 4
requests{cluster="c",api="Fetch"} 5
up 1
took_bucket{le="0.1"} 8
took_bucket{le="1"} 9
took_bucket{le="+Inf"} 10
`

func TestParse(t *testing.T) {
	m := Parse(page)
	if got := m.Sum("requests"); got != 12 {
		t.Errorf("Sum: %v, want 12", got)
	}
	if got := m.Sum("requests", `api="Fetch"`); got != 8 {
		t.Errorf("Sum of one API: %v, want 8", got)
	}
	if got := m["up"]; got != 1 {
		t.Errorf("up: %v, want 1", got)
	}
	if got := m.By("requests", "cluster"); got["a b"] != 7 || got["c"] != 5 {
		t.Errorf("By: %v", got)
	}
	if got := m.Quantile(0.8, "took"); got != 0.1 {
		t.Errorf("Quantile(0.8): %v, want 0.1", got)
	}
	if got := m.Quantile(0.5, "nothing"); !math.IsNaN(got) {
		t.Errorf("Quantile of nothing: %v, want none", got)
	}
	if got := m.Since(Metrics{"up": 0.25})["up"]; got != 0.75 {
		t.Errorf("Since: %v, want 0.75", got)
	}
}
