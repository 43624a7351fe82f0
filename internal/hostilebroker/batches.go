package hostilebroker

import (
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The layout of a record batch, https://kafka.apache.org/documentation/#recordbatch.
const (
	batchHeader   = 61
	transactional = 1 << 4
	control       = 1 << 5
)

// batch is a record batch without records that claims to hold one.
func batch(offset int64, attributes uint16, producer int64) []byte {
	b := make([]byte, batchHeader)
	binary.BigEndian.PutUint64(b, uint64(offset))
	binary.BigEndian.PutUint32(b[8:], batchHeader-12)
	b[16] = 2
	binary.BigEndian.PutUint16(b[21:], attributes)
	binary.BigEndian.PutUint64(b[43:], uint64(producer))
	binary.BigEndian.PutUint32(b[57:], 1)
	return b
}

// sendAbortedTransactions answers a Fetch with as many aborted transactions as fit,
// and batches of producers that none of them names, so that each batch is compared with all.
func sendAbortedTransactions(s *session, r request) error {
	resp, ok := s.plausible(r).(*kmsg.FetchResponse)
	if !ok {
		return answerPlausibly(s, r)
	}
	const many = 30_000
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			for n := range int64(many) {
				p.AbortedTransactions = append(p.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: 1_000_000 + n, FirstOffset: 0})
			}
			for n := range int64(many) {
				p.RecordBatches = append(p.RecordBatches, batch(Committed+n, control|transactional, n)...)
			}
		}
	}
	return s.send(r, resp)
}

// sendBadBatches answers a wait for records at once, every time, with something that is no records.
func sendBadBatches(s *session, r request) error {
	resp, ok := s.plausible(r).(*kmsg.FetchResponse)
	if !ok {
		return answerPlausibly(s, r)
	}
	// As quickly as a broker may: no pause would be a race of two processes for one core.
	if err := s.pause(10 * time.Millisecond); err != nil {
		return err
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			p.RecordBatches = s.badBatches()
			if s.chance(3) {
				p.HighWatermark = int64(s.rand.Uint64())
			}
		}
	}
	return s.send(r, resp)
}

func (s *session) badBatches() []byte {
	const compressed = 1 // gzip
	good := batch(LogEnd, 0, -1)
	switch s.rand.IntN(6) {
	case 0:
		return good[:s.rand.IntN(len(good))]
	case 1:
		return append(batch(LogEnd, uint16(compressed+s.rand.IntN(7)), -1), s.noise(200)...)
	case 2:
		good[16] = byte(s.rand.IntN(256)) // the format
		return good
	case 3:
		binary.BigEndian.PutUint32(good[8:], s.rand.Uint32()) // the length
		return good
	case 4:
		binary.BigEndian.PutUint32(good[23:], s.rand.Uint32()) // the last offset
		return good
	default:
		return s.noise(s.rand.IntN(2048))
	}
}
