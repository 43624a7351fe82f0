package trigger_test

import (
	"errors"
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func ExampleParse() {
	parsed, err := trigger.Parse(map[string]string{
		"scalerAddress":    "kafka-scaler.kafka-scaler:6000",
		"bootstrapServers": "kafka:9092",
		"consumerGroup":    "payments",
		"topic":            "orders.v1, refunds",
		"lagThreshold":     "50",
	})
	fmt.Println(err)
	fmt.Println(parsed.Selection.Topics, parsed.Policy.LagThreshold, parsed.MetricName)
	// Output:
	// <nil>
	// [orders.v1 refunds] 50 kafka-orders-v1,refunds
}

// Everything that is wrong is reported at once.
func ExampleParse_problems() {
	_, err := trigger.Parse(map[string]string{
		"bootstrapServers": "kafka",
		"consumerGroup":    "payments",
		"lagTreshold":      "50",
		"password":         "secret",
	})
	if invalid, ok := errors.AsType[*trigger.Error](err); ok {
		for _, p := range invalid.Problems {
			fmt.Printf("%s: %s\n", p.Field, p.Message)
		}
	}
	// Output:
	// bootstrapServers: the port is missing
	// password: a credential must not stand in trigger metadata, and KEDA does not forward a TriggerAuthentication to an external scaler
	// lagTreshold: is not a known parameter
}
