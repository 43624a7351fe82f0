package kafka

import (
	"slices"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// meanings is the one table of what error codes ask of whom.
var meanings = []struct {
	codes  []wire.Code
	kind   fault.Kind
	remedy string
}{
	{[]wire.Code{3, 100}, fault.NotFound, "create the topic or correct its name"},
	{[]wire.Code{17, 24}, fault.Invalid, "correct the name: Kafka does not allow it"},
	{[]wire.Code{29}, fault.Denied, "allow the principal to Describe the topic: kafka-acls --add --allow-principal User:NAME --operation Describe --topic TOPIC"},
	{[]wire.Code{30}, fault.Denied, "allow the principal to Describe the group: kafka-acls --add --allow-principal User:NAME --operation Describe --group GROUP"},
	{[]wire.Code{31}, fault.Denied, "allow the principal to Describe the cluster: kafka-acls --add --allow-principal User:NAME --operation Describe --cluster"},
	{[]wire.Code{33}, fault.Denied, "use one of the broker's SASL mechanisms"},
	{[]wire.Code{34}, fault.Precondition, "the listener expects no SASL: use a SASL listener, or remove sasl from this cluster"},
	{[]wire.Code{58}, fault.Denied, "correct the SASL username and password"},
	{[]wire.Code{35}, fault.Precondition, "use Apache Kafka 2.4 or newer, or a service that speaks its protocol"},
	{[]wire.Code{69}, fault.NotFound, "start a consumer of the group or correct the group's name"},
	{[]wire.Code{14, 15, 16}, fault.Unavailable, "wait: the group's coordinator is starting or moving; if it lasts, check the __consumer_offsets topic"},
	{[]wire.Code{72}, fault.Unavailable, "have every broker advertise the listener that the bootstrap servers are on: check advertised.listeners of the leader"},
	{[]wire.Code{5, 6, 9, 56, 74, 75, 78}, fault.Unavailable, "wait: the partition's leader is moving; if it lasts, check the partition with kafka-topics --describe"},
	{[]wire.Code{7, 89}, fault.Unavailable, "check the load and the quotas of the brokers"},
	{[]wire.Code{42}, fault.Internal, "report this as a defect of kafka-scaler"},
}

// diagnoseCode says what an error code asks of whom.
func diagnoseCode(code wire.Code) (fault.Kind, string) {
	for _, m := range meanings {
		if slices.Contains(m.codes, code) {
			return m.kind, m.remedy
		}
	}
	return fault.Unavailable, "look the error up in the brokers' logs"
}
