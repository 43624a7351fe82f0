package kafka

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

var streamedWaits = []lag.LogWait{
	{TopicPartition: lag.TopicPartition{Topic: "t", Partition: 0}, Offset: 5},
	{TopicPartition: lag.TopicPartition{Topic: "t", Partition: 1}, Offset: 5},
	{TopicPartition: lag.TopicPartition{Topic: "u", Partition: 7}, Offset: 0},
}

// fetchResponse is a response in which everything has news, with records and aborted transactions to pass over.
func fetchResponse(version int16) []byte {
	resp := kmsg.NewPtrFetchResponse()
	resp.SetVersion(version)
	for _, w := range streamedWaits {
		t := kmsg.NewFetchResponseTopic()
		t.Topic = w.Topic
		p := kmsg.NewFetchResponseTopicPartition()
		p.Partition, p.HighWatermark, p.LastStableOffset, p.LogStartOffset = w.Partition, w.Offset+9, w.Offset+2, 1
		p.RecordBatches = bytes.Repeat([]byte{0xff}, 1000)
		p.AbortedTransactions = make([]kmsg.FetchResponseTopicPartitionAbortedTransaction, 3)
		t.Partitions = append(t.Partitions, p)
		resp.Topics = append(resp.Topics, t)
	}
	return resp.AppendTo(nil)
}

func TestEndFetchPassesOverRecords(t *testing.T) {
	for version := waitVersions.min; version <= waitVersions.max; version++ {
		for at, ahead := range map[lag.Position]int64{lag.End: 9, lag.StableEnd: 2} {
			f := newEndFetch(at, streamedWaits, time.Second)
			f.SetVersion(version)
			in := bytes.NewReader(append(fetchResponse(version), "rest"...))
			if err := f.readFrom(in); err != nil || len(f.wakes) != len(streamedWaits) || in.Len() != len("rest") {
				t.Fatalf("v%d: %v, %d wakes, %d bytes left", version, err, len(f.wakes), in.Len())
			}
			for i, w := range f.wakes {
				want := lag.LogWake{TopicPartition: streamedWaits[i].TopicPartition, End: streamedWaits[i].Offset + ahead, Start: 1}
				if w != want {
					t.Errorf("v%d: got %+v, want %+v", version, w, want)
				}
			}
		}
	}
}

func TestEndFetchAsksForNoRecord(t *testing.T) {
	f := newEndFetch(lag.StableEnd, streamedWaits, time.Minute)
	if f.MaxBytes != 1 || f.MinBytes != 1 || f.MaxWaitMillis != 60_000 || f.IsolationLevel != 1 || f.SessionEpoch != -1 {
		t.Errorf("request %+v", f.FetchRequest)
	}
	for _, topic := range f.Topics {
		for _, p := range topic.Partitions {
			if p.PartitionMaxBytes != 1 {
				t.Errorf("partition %+v", p)
			}
		}
	}
}

// FuzzFetchResponse reads any bytes as a response: it must end, and never in a panic.
func FuzzFetchResponse(f *testing.F) {
	for version := waitVersions.min; version <= waitVersions.max; version++ {
		body := fetchResponse(version)
		f.Add(version, body)
		f.Add(version, body[:len(body)/2])
	}
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		if version < waitVersions.min || version > waitVersions.max {
			t.Skip("never asked for")
		}
		fetch := newEndFetch(lag.End, streamedWaits, time.Second)
		fetch.SetVersion(version)
		frame := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
		frame = append(binary.BigEndian.AppendUint32(frame, 1), body...)
		in := bytes.NewReader(frame)
		x := exchange{id: 1, req: fetch}
		if err := x.stream(in, fetch); err == nil && in.Len() > 0 {
			t.Errorf("%d bytes of the response were left to the next one", in.Len())
		}
	})
}
