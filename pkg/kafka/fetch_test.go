package kafka

import (
	"bytes"
	"io"
	"slices"
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

func noEpochs(from []lag.LogWait) []int32 {
	return slices.Repeat([]int32{lag.NoLeaderEpoch}, len(from))
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

func TestEndFetchPassesOverWhatItCannotRead(t *testing.T) {
	for version := waitVersions.Min; version <= waitVersions.Max; version++ {
		for at, ahead := range map[lag.Position]int64{lag.End: 9, lag.StableEnd: 2} {
			f := newEndFetch(at, streamedWaits, time.Second, noEpochs(streamedWaits))
			f.SetVersion(version)
			response := fetchResponse(version)
			in := bytes.NewReader(append(response, "rest"...))
			if err := f.ReadResponse(io.LimitReader(in, int64(len(response)))); err != nil || len(f.wakes) != len(streamedWaits) || in.Len() != len("rest") {
				t.Fatalf("v%d: %v, %d wakes, %d bytes left", version, err, len(f.wakes), in.Len())
			}
			for i, w := range f.wakes {
				want := lag.LogWake{TopicPartition: streamedWaits[i].TopicPartition, End: streamedWaits[i].Offset + ahead, Start: 1, From: streamedWaits[i].Offset}
				want.Seen = lag.Sight{TopicPartition: want.TopicPartition, Clear: streamedWaits[i].Offset}
				if w != want {
					t.Errorf("v%d: got %+v, want %+v", version, w, want)
				}
			}
		}
	}
}

// TestEndFetchSeesWhatIsNoRecord: an aborted transaction is one for those who read committed only.
func TestEndFetchSeesWhatIsNoRecord(t *testing.T) {
	const producer = 7
	wait := lag.LogWait{TopicPartition: lag.TopicPartition{Topic: "t", Partition: 3}, Offset: 5}
	aborted := header(5, transactionalBatch, 3, producer, 4)
	marker := header(9, transactionalBatch|controlBatch, 0, producer, 1)
	record := header(10, 0, 0, -1, 1)
	for name, c := range map[string]struct {
		at      lag.Position
		records []byte
		end     int64
		want    lag.Sight
	}{
		"all aborted":                   {lag.StableEnd, slices.Concat(aborted, marker), 10, lag.Sight{Taken: true, Empty: true, Clear: 10}},
		"a record behind it":            {lag.StableEnd, slices.Concat(aborted, marker, record), 11, lag.Sight{Taken: true, Record: true, Clear: 10}},
		"no more of it in the response": {lag.StableEnd, aborted, 10, lag.Sight{Taken: true, Clear: 9}},
		"read uncommitted":              {lag.End, slices.Concat(aborted, marker), 10, lag.Sight{Taken: true, Record: true, Clear: 5}},
		"a marker":                      {lag.End, header(5, transactionalBatch|controlBatch, 0, producer, 1), 6, lag.Sight{Taken: true, Empty: true, Clear: 6}},
		"nothing of it":                 {lag.End, nil, 6, lag.Sight{Clear: 5}},
	} {
		p := kmsg.NewFetchResponseTopicPartition()
		p.Partition, p.HighWatermark, p.LastStableOffset, p.RecordBatches = 3, c.end, c.end, c.records
		if c.at == lag.StableEnd {
			p.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: producer, FirstOffset: 5}}
		}
		resp := kmsg.NewPtrFetchResponse()
		resp.SetVersion(11)
		resp.Topics = []kmsg.FetchResponseTopic{{Topic: "t", Partitions: []kmsg.FetchResponseTopicPartition{p}}}
		f := newEndFetch(c.at, []lag.LogWait{wait}, time.Second, noEpochs([]lag.LogWait{wait}))
		f.SetVersion(11)
		if err := f.ReadResponse(bytes.NewReader(resp.AppendTo(nil))); err != nil || len(f.wakes) != 1 {
			t.Fatalf("%s: %v, %d wakes", name, err, len(f.wakes))
		}
		c.want.TopicPartition = wait.TopicPartition
		if got := f.wakes[0]; got.End != c.end || got.Seen != c.want {
			t.Errorf("%s: %+v, want %+v seen", name, got, c.want)
		}
	}
}

func TestEndFetchBringsLittle(t *testing.T) {
	f := newEndFetch(lag.StableEnd, streamedWaits, time.Minute, noEpochs(streamedWaits))
	if f.MaxBytes != waitBytesAtMost || f.MinBytes != 1 || f.MaxWaitMillis != 60_000 || f.IsolationLevel != 1 || f.SessionEpoch != -1 {
		t.Errorf("request %+v", f.FetchRequest)
	}
	for _, topic := range f.Topics {
		for _, p := range topic.Partitions {
			if p.PartitionMaxBytes != waitBytes {
				t.Errorf("partition %+v", p)
			}
		}
	}
}

// However often a broker lists a partition, it counts once.
func TestPartitionsOfAFetchCountOnce(t *testing.T) {
	once := fetchResponse(11)
	const head = 4 + 2 + 4 + 4 // throttle, error, session, number of topics
	body := append(slices.Clone(once[:head-4]), 0, 0, 0, 9)
	for range 3 {
		body = append(body, once[head:]...)
	}
	wait := newEndFetch(lag.End, streamedWaits, time.Second, noEpochs(streamedWaits))
	wait.SetVersion(11)
	if err := wait.ReadResponse(bytes.NewReader(body)); err != nil || len(wait.wakes) != len(streamedWaits) {
		t.Errorf("%v, %d wakes", err, len(wait.wakes))
	}
	looks := map[lag.TopicPartition]lag.Look{}
	for _, w := range streamedWaits {
		looks[w.TopicPartition] = lag.Look{TopicPartition: w.TopicPartition, To: 1}
	}
	look := newLookFetch(false, nil, looks, nil)
	look.SetVersion(11)
	if err := look.ReadResponse(bytes.NewReader(body)); err != nil || len(look.sights) != len(streamedWaits) {
		t.Errorf("%v, %d sights", err, len(look.sights))
	}
}

// FuzzFetchResponse reads any bytes as a response: it must end, and never in a panic.
func FuzzFetchResponse(f *testing.F) {
	for version := waitVersions.Min; version <= waitVersions.Max; version++ {
		body := fetchResponse(version)
		f.Add(uint8(version-waitVersions.Min), body)
		f.Add(uint8(version-waitVersions.Min), body[:len(body)/2])
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		version := waitVersions.Min + int16(which)%(waitVersions.Max-waitVersions.Min+1)
		fetch := newEndFetch(lag.End, streamedWaits, time.Second, noEpochs(streamedWaits))
		fetch.SetVersion(version)
		if _ = fetch.ReadResponse(bytes.NewReader(body)); len(fetch.wakes) > len(streamedWaits) {
			t.Errorf("%d wakes", len(fetch.wakes))
		}
	})
}
