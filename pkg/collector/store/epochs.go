package store

import (
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// A leader epoch counts the leaders of a partition, and never goes back within one incarnation
// of its log. So a log end of an older epoch than a commit comes from a broker that is
// the leader no more, and does not know of the records that were consumed since. It is
// no answer. But a topic that was deleted and created again, or restored, begins with
// epoch 0 again, and a commit of before has a newer epoch than all that its leaders will
// say. What the cluster says of the topic decides between the two, see [epochs.learn].

// epochs is what is known of the leader epochs of one topic.
type epochs struct {
	// leaders are those of the newest description, by partition; nil where brokers do not tell. Epochs are then not
	// compared, since nothing could ever decide.
	leaders []int32
	// asked is when that description was asked for.
	asked Stamp
	// suspects are the log ends of an older epoch than something else, and how far their verification has come. Nil while
	// there are none.
	suspects map[suspect]verification
	// proofs are what verifications have shown.
	proofs map[int32]proof
}

// suspect is a partition, and the epoch of a log end of it that is older than that of a commit, or of an end before.
type suspect struct{ id, epoch int32 }

// verification is since when there is a suspect: when the first such end was asked for, and how many descriptions that were
// asked for after it have named no newer epoch in a row.
type verification struct {
	since Stamp
	named int
}

// proof says that a leader was of no newer epoch at a moment. Whatever had been read by then with a newer one is of
// an earlier log.
type proof struct {
	epoch int32
	at    Stamp
}

// namedTwice is how many descriptions in a row decide that no newer epoch exists. A broker that answers the first
// may not have heard of the newest leader yet.
const namedTwice = 2

// of returns the epoch of an answer, as far as it can be compared.
func (s *epochs) of(epoch int32) int32 {
	if s.leaders == nil {
		return lag.NoLeaderEpoch
	}
	return max(epoch, lag.NoLeaderEpoch)
}

// suspect notes a log end of an epoch that is older than something else's.
func (s *epochs) suspect(id, epoch int32, asked Stamp) {
	if s.suspects == nil {
		s.suspects = map[suspect]verification{}
	}
	if _, known := s.suspects[suspect{id, epoch}]; !known {
		s.suspects[suspect{id, epoch}] = verification{since: asked}
	}
}

// learn takes in what a description says. If it knows a newer leader than the one whose
// answer is to be verified, that one was replaced. If two in a row that were asked for after
// the answer know none, there is none: what has a newer epoch is of an earlier log.
func (s *epochs) learn(leaders []int32, asked Stamp) {
	s.leaders, s.asked = leaders, asked
	for of, d := range s.suspects {
		switch {
		case int(of.id) >= len(leaders) || leaders[of.id] > of.epoch:
			delete(s.suspects, of)
			continue
		case asked <= d.since || leaders[of.id] < 0:
			continue
		}
		if d.named++; d.named < namedTwice {
			s.suspects[of] = d
			continue
		}
		delete(s.suspects, of)
		s.prove(of, asked)
	}
}

// prove notes that there was no leader of a newer epoch than the suspect's.
func (s *epochs) prove(of suspect, at Stamp) {
	if s.proofs == nil {
		s.proofs = map[int32]proof{}
	}
	if p, known := s.proofs[of.id]; known && p.at == at && p.epoch < of.epoch {
		return
	}
	s.proofs[of.id] = proof{of.epoch, at}
}

// refuse returns why a log end is no answer, given the one before; nil if it is one.
func (s *epochs) refuse(o *lag.LogOffset, before logRead, call Stamp) error {
	epoch, known := s.of(o.LeaderEpoch), s.of(lag.NoLeaderEpoch)
	if before.asked != 0 {
		known = s.of(before.epoch)
	}
	if p := s.proofs[o.Partition]; p.at > before.asked && epoch >= p.epoch {
		known = lag.NoLeaderEpoch // the end before is of an earlier log
	}
	if int(o.Partition) < len(s.leaders) && s.asked <= call {
		known = max(known, s.leaders[o.Partition])
	}
	if epoch < 0 || epoch >= known {
		return nil
	}
	s.suspect(o.Partition, epoch, call)
	return staleLeader(o.TopicPartition, fmt.Errorf("its leader epoch is %d, and epoch %d is known", epoch, known))
}

func staleLeader(tp lag.TopicPartition, why error) error {
	return &fault.Error{
		Kind: fault.Unavailable, Op: "read the log end offset of", Object: tp.String(),
		Err:    fmt.Errorf("the broker that answered is not the leader any more: %w", why),
		Remedy: "wait: the partition's leader is moving; if it lasts, check the partition with kafka-topics --describe",
	}
}

// isOfEarlierLog reports whether a commit was made in an earlier log of that name.
func (s *epochs) isOfEarlierLog(id int32, p position) bool {
	proven, known := s.proofs[id]
	return known && p.read != 0 && p.read <= proven.at && p.epoch > proven.epoch
}

// judge marks the commits that were made in an earlier log, and reports whether there is one that was not marked before.
func (p *positions) judge(s *epochs, id int32) (changed bool) {
	if len(s.proofs) == 0 {
		return false
	}
	for _, q := range [...]*position{&p.newest, &p.awaited, &p.fits} {
		if !q.earlier && s.isOfEarlierLog(id, *q) {
			q.earlier, changed = true, true
		}
	}
	return changed
}

// ahead reports whether the newest commit that had been received when the log end was asked for is of a newer epoch.
func (p *positions) ahead(end logRead) bool {
	return p.newest.read != 0 && p.newest.read <= end.asked && !p.newest.suits(end)
}

// errAhead says so.
func (p *positions) errAhead(tp lag.TopicPartition, end logRead) error {
	return staleLeader(tp, fmt.Errorf("its leader epoch is %d, and the group's commit is of epoch %d", end.epoch, p.newest.epoch))
}
