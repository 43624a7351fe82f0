package lag_test

import (
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func ExampleCompute() {
	readAt := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	orders := func(partition int32) lag.TopicPartition {
		return lag.TopicPartition{Topic: "orders", Partition: partition}
	}
	offsets := []lag.Offsets{
		{TopicPartition: orders(0), Committed: 10, LogStart: 0, LogEnd: 39, ObservedAt: readAt},
		{TopicPartition: orders(1), Committed: 10, LogStart: 20, LogEnd: 39, ObservedAt: readAt},
		{TopicPartition: orders(2), Committed: lag.NoCommit, LogStart: 0, LogEnd: 39, ObservedAt: readAt},
	}
	rules := lag.Rules{ResetPolicy: lag.Latest, MaxAge: 10 * time.Second}

	report := lag.Compute(rules, offsets, readAt.Add(time.Second))
	for _, p := range report.Partitions {
		fmt.Println(p.TopicPartition, p.Lag, p.Reason)
	}
	fmt.Println("total", report.Total, "lost", report.Lost, "error", report.Err)

	report = lag.Compute(rules, offsets, readAt.Add(time.Minute))
	fmt.Println(report.Err)
	// Output:
	// orders-0 29 lagging
	// orders-1 19 commit_below_start
	// orders-2 1 no_commit_latest
	// total 49 lost 10 error <nil>
	// compute the lag of 3 of 3 partitions (orders-0, orders-1, orders-2): its offsets were read 1m0s ago, longer than the maxSnapshotAge of 10s; run `kafka-scaler check` to see which step towards the cluster fails
}
