package collector

import (
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/longpoll"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector/sweep"
)

// Source is one Kafka cluster: what is read of it, and waits for records. pkg/kafka's
// Client is one. All of it is required, so that nothing vanishes where one is wrapped.
type Source interface {
	sweep.Source
	longpoll.Source
}
