package scaledobject

import (
	"fmt"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// CheckMetric accepts the metric's own name, with KEDA's sN- prefix too, and none.
func (e *Entry) CheckMetric(asked string) error {
	own := e.trigger.MetricName
	if asked == "" || asked == own || withoutIndex(asked) == own {
		return nil
	}
	return &fault.Error{
		Kind:   fault.Invalid,
		Op:     "get",
		Object: fmt.Sprintf("metric %q of %s/%s", asked, e.ref.Namespace, e.ref.Name),
		Err:    fmt.Errorf("this trigger's metric is %q", own),
		Remedy: "ask for the name that GetMetricSpec returns",
	}
}

// withoutIndex cuts the s<trigger index>- that KEDA puts before a metric's name.
func withoutIndex(name string) string {
	digits, rest, found := strings.Cut(strings.TrimPrefix(name, "s"), "-")
	if !found || name[0] != 's' || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return name
	}
	return rest
}
