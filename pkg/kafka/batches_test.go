package kafka

import (
	"bytes"
	"encoding/binary"
	"testing"

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
		if err := w.readFrom(bytes.NewReader(c.records), int64(len(c.records))); err != nil || w.clear != c.clear || w.found != c.found {
			t.Errorf("%s: clear up to %d, found %v, %v; want %d, %v", name, w.clear, w.found, err, c.clear, c.found)
		}
	}
}

// FuzzLook reads whatever a broker may send for a look: it ends, and claims nothing beyond what was asked for.
func FuzzLook(f *testing.F) {
	f.Add(bytes.Repeat(header(0, controlBatch, 0, 1, 1), 3))
	f.Fuzz(func(t *testing.T, sent []byte) {
		w := newBatchWalk(lag.Look{From: 3, To: 10}, 1, nil)
		_ = w.readFrom(bytes.NewReader(sent), int64(len(sent)))
		if w.clear < 3 || w.clear > 10 {
			t.Errorf("clear up to %d", w.clear)
		}
		tp := lag.TopicPartition{Topic: "t"}
		look := newLookFetch(true, []lag.TopicPartitions{{Topic: "t", Partitions: []int32{0}}}, map[lag.TopicPartition]lag.Look{tp: {TopicPartition: tp, From: 3, To: 10}}, []int32{lag.NoLeaderEpoch})
		look.SetVersion(11)
		_ = look.readFrom(bytes.NewReader(sent))
	})
}
