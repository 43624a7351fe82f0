package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// BenchmarkListOffsetsCodecs decodes the same answer about 10,000 partitions with our
// reader and with kafka-go's message, in the newest version that kafka-go has, in turn. The
// ratio is the processor's time with kafka-go over that with ours.
func BenchmarkListOffsetsCodecs(b *testing.B) {
	const version, topics, partitions = 5, 100, 100
	resp := kmsg.NewPtrListOffsetsResponse()
	resp.SetVersion(version)
	var parts []lag.TopicPartitions
	for i := range topics {
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = fmt.Sprintf("some-topic-%03d", i)
		part := lag.TopicPartitions{Topic: topic.Topic}
		for id := range int32(partitions) {
			p := kmsg.NewListOffsetsResponseTopicPartition()
			p.Partition, p.Offset, p.LeaderEpoch = id, 1000, knownEpoch
			topic.Partitions = append(topic.Partitions, p)
			part.Partitions = append(part.Partitions, id)
		}
		resp.Topics = append(resp.Topics, topic)
		parts = append(parts, part)
	}
	body := resp.AppendTo(nil)
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
	frame = append(binary.BigEndian.AppendUint32(frame, 1), body...)
	req := offsetsQuestion{}.request(batchOf(parts))
	const batch = 30
	var ours, theirs time.Duration
	for b.Loop() {
		start := processorTime(b)
		for range batch {
			n := 0
			f := newListOffsets(req, parts, pace.New().Of(b.Context()), func(some []lag.LogOffset) { n += len(some) }, func(lag.TopicPartition, error) {})
			f.SetVersion(version)
			if err := f.ReadResponse(bytes.NewReader(body)); err != nil || n != topics*partitions {
				b.Fatal(n, err)
			}
		}
		middle := processorTime(b)
		for range batch {
			_, m, err := protocol.ReadResponse(bytes.NewReader(frame), protocol.ListOffsets, version)
			if err != nil || len(m.(*listoffsets.Response).Topics) != topics {
				b.Fatal(err)
			}
		}
		ours, theirs = ours+middle-start, theirs+processorTime(b)-middle
	}
	n := float64(b.N) * batch
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ours.Nanoseconds())/n, "ours-ns")
	b.ReportMetric(float64(theirs.Nanoseconds())/n, "kafka-go-ns")
	b.ReportMetric(float64(theirs)/float64(ours), "ratio")
}

// processorTime is how long the process has computed.
func processorTime(tb testing.TB) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
