package kafka

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// header is that of a batch with so many records.
func header(base int64, attributes uint16, lastDelta int32, producer int64, records int32) []byte {
	b := make([]byte, batchHeader)
	binary.BigEndian.PutUint64(b, uint64(base))
	binary.BigEndian.PutUint32(b[8:], batchHeader-beforeLength)
	b[16] = 2
	binary.BigEndian.PutUint16(b[21:], attributes)
	binary.BigEndian.PutUint32(b[23:], uint32(lastDelta))
	binary.BigEndian.PutUint64(b[43:], uint64(producer))
	binary.BigEndian.PutUint32(b[batchHeader-4:], uint32(records))
	return b
}

func TestBatchWalk(t *testing.T) {
	const producer, transactional, marker = 7, transactionalBatch, transactionalBatch | controlBatch
	cut := header(0, 0, 9, -1, 10)
	binary.BigEndian.PutUint32(cut[8:], 1<<20) // its records did not fit
	for name, c := range map[string]struct {
		records []byte
		aborted []abortedTransaction
		clear   int64
		found   bool
	}{
		"a record":                          {header(0, 0, 9, -1, 10), nil, 0, true},
		"a record whose batch is cut off":   {cut, nil, 0, true},
		"emptied by compaction":             {header(0, 0, 9, -1, 0), nil, 10, false},
		"a gap before a marker":             {header(5, marker, 0, producer, 1), nil, 6, false},
		"aborted":                           {header(0, transactional, 9, producer, 10), []abortedTransaction{{producer, 0}}, 10, false},
		"aborted, of another producer":      {header(0, transactional, 9, producer, 10), []abortedTransaction{{8, 0}}, 0, true},
		"aborted, but only later":           {header(0, transactional, 9, producer, 10), []abortedTransaction{{producer, 1}}, 0, true},
		"plain records of that producer":    {header(0, 0, 9, producer, 10), []abortedTransaction{{producer, 0}}, 0, true},
		"committed behind what was aborted": {bytes.Join([][]byte{header(0, transactional, 3, producer, 4), header(4, marker, 0, producer, 1), header(5, transactional, 4, producer, 5)}, nil), []abortedTransaction{{producer, 0}}, 5, true},
		"half a header":                     {header(0, marker, 0, producer, 1)[:40], nil, 0, false},
		"nothing":                           {nil, nil, 0, false},
		"an old message":                    {append(binary.BigEndian.AppendUint32(make([]byte, 8), 14), make([]byte, 14)...), nil, 0, true},
	} {
		w := newBatchWalk(lag.Look{From: 0, To: 10}, 1, c.aborted)
		in := wire.Stream(bytes.NewReader(c.records))
		if w.readFrom(in, len(c.records)); in.Err() != nil || w.clear != c.clear || w.found != c.found {
			t.Errorf("%s: clear up to %d, found %v, %v; want %d, %v", name, w.clear, w.found, in.Err(), c.clear, c.found)
		}
	}
}

// FuzzLook reads whatever a broker may send for a look: it ends, and claims nothing beyond what was asked for.
func FuzzLook(f *testing.F) {
	f.Add(bytes.Repeat(header(0, controlBatch, 0, 1, 1), 3))
	f.Fuzz(func(t *testing.T, sent []byte) {
		w := newBatchWalk(lag.Look{From: 3, To: 10}, 1, nil)
		w.readFrom(wire.Stream(bytes.NewReader(sent)), len(sent))
		if w.clear < 3 || w.clear > 10 {
			t.Errorf("clear up to %d", w.clear)
		}
		tp := lag.TopicPartition{Topic: "t"}
		look := newLookFetch(true, []lag.TopicPartitions{{Topic: "t", Partitions: []int32{0}}}, map[lag.TopicPartition]lag.Look{tp: {TopicPartition: tp, From: 3, To: 10}}, []int32{lag.NoLeaderEpoch})
		look.SetVersion(11)
		_ = look.ReadResponse(bytes.NewReader(sent))
	})
}

// aborts is a log in which producers abort so many transactions of one batch each, and
// what a Fetch response tells of them.
func aborts(transactions int) (records []byte, aborted []abortedTransaction) {
	const producers = 100
	for i := range transactions {
		producer, base := int64(i%producers), int64(2*i)
		aborted = append(aborted, abortedTransaction{producer, base})
		records = append(records, header(base, transactionalBatch, 0, producer, 1)...)
		records = append(records, header(base+1, transactionalBatch|controlBatch, 0, producer, 1)...)
	}
	return records, aborted
}

// BenchmarkAbortedTransactions: ten times as many must not take a hundred times as long.
func BenchmarkAbortedTransactions(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		records, aborted := aborts(n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				w := newBatchWalk(lag.Look{To: int64(2 * n)}, 1, slices.Clone(aborted))
				in := wire.Stream(bytes.NewReader(records))
				if w.readFrom(in, len(records)); in.Err() != nil || w.found || w.clear != int64(2*n) {
					b.Fatal(w.clear, w.found, in.Err())
				}
			}
		})
	}
}

// The walk agrees with the plain rule, whatever the order of the transactions.
func TestAbortedTransactionsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &batchWalk{}
		var plain []abortedTransaction
		for range rapid.IntRange(0, 8).Draw(t, "transactions") {
			plain = append(plain, abortedTransaction{rapid.Int64Range(0, 2).Draw(t, "producer"), rapid.Int64Range(0, 9).Draw(t, "first")})
		}
		w.abort(plain)
		plain = slices.Clone(plain)
		for base := range int64(10) {
			producer := rapid.Int64Range(0, 2).Draw(t, "batch of")
			at := slices.IndexFunc(plain, func(a abortedTransaction) bool { return a.producer == producer && a.first <= base })
			if got := w.isAborted(producer, base); got != (at >= 0) {
				t.Fatalf("producer %d at %d: aborted %v", producer, base, got)
			}
			if at >= 0 && rapid.Bool().Draw(t, "marker") {
				w.endTransaction(producer, base)
				plain = slices.Delete(plain, at, at+1)
			}
		}
	})
}

func TestAbortedTransactionsAreBounded(t *testing.T) {
	p := kmsg.NewFetchResponseTopicPartition()
	p.AbortedTransactions = make([]kmsg.FetchResponseTopicPartitionAbortedTransaction, maxAborted+5)
	resp := kmsg.NewPtrFetchResponse()
	resp.SetVersion(11)
	resp.Topics = []kmsg.FetchResponseTopic{{Topic: "t", Partitions: []kmsg.FetchResponseTopicPartition{p}}}
	kept := -1
	_, err := readFetch(bytes.NewReader(resp.AppendTo(nil)), 11, func(_ *wire.Reader, _ string, p *fetchedPartition) { kept = len(p.aborted) })
	if err != nil || kept != maxAborted {
		t.Errorf("%d kept, %v", kept, err)
	}
}
