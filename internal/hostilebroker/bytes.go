package hostilebroker

import (
	"encoding/binary"
	"time"
)

// sentAtMost is how much of a frame that is announced as huge is really sent.
const sentAtMost = 32 << 20

func sendNoise(s *session) error { return s.write(s.noise(1 + s.rand.IntN(4096))) }

func sendRandomBody(s *session, r request) error {
	return s.write(r.frame(s.noise(s.rand.IntN(1 << (4 + s.rand.IntN(13))))))
}

func answerAnotherRequest(s *session, r request) error {
	resp := s.plausible(r)
	r.id += int32(1 + s.rand.IntN(1000))
	return s.send(r, resp)
}

// announceTooMuch sends the size of a frame that nobody can want, and then nothing, a
// little, or as much as fits, as quickly as it is taken.
func announceTooMuch(s *session, r request) error {
	sizes := []uint32{1<<31 - 1, 1<<31 - 5, 1 << 31, 1<<32 - 1, 100 << 20, 100<<20 + 1, 64 << 20, 0, 3}
	head := binary.BigEndian.AppendUint32(nil, sizes[s.rand.IntN(len(sizes))])
	if err := s.write(append(head, r.header()...)); err != nil {
		return err
	}
	if s.chance(2) {
		return s.stall()
	}
	zeros := make([]byte, 64<<10)
	for range sentAtMost / len(zeros) {
		if err := s.write(zeros); err != nil {
			return err
		}
	}
	return s.stall()
}

// answerDamaged keeps size and correlation id right, so that the damage is found in the body.
func answerDamaged(s *session, r request) error {
	if err := s.waitAsAsked(r); err != nil {
		return err
	}
	body := s.plausible(r).AppendTo(nil)
	// A client that never learns the versions gets no further.
	if r.Key() == apiVersions && !s.chance(4) {
		return s.write(r.frame(body))
	}
	for range 1 + s.rand.IntN(4) {
		if len(body) == 0 {
			break
		}
		at := s.rand.IntN(len(body))
		switch s.rand.IntN(4) {
		case 0:
			body[at] ^= 1 << s.rand.IntN(8)
		case 1:
			body = body[:at]
		case 2:
			copy(body[at:], []byte{0x7f, 0xff, 0xff, 0xff})
		default:
			copy(body[at:], []byte{0xff, 0xff, 0xff, 0xff, 0x0f})
		}
	}
	return s.write(r.frame(body))
}

func answerTwice(s *session, r request) error {
	resp := s.plausible(r)
	for range 1 + s.rand.IntN(20) {
		if err := s.send(r, resp); err != nil {
			return err
		}
	}
	return nil
}

func dribble(s *session, r request) error {
	for _, b := range r.frame(s.plausible(r).AppendTo(nil)) {
		if err := s.write([]byte{b}); err != nil {
			return err
		}
		if err := s.pause(time.Second); err != nil {
			return err
		}
	}
	return nil
}

func closeAtRandom(s *session) error {
	if s.chance(3) {
		return errEnough
	}
	return nil
}

func closeWithin(s *session, r request) error {
	frame := r.frame(s.plausible(r).AppendTo(nil))
	if !s.chance(4) {
		return s.write(frame)
	}
	if err := s.write(frame[:s.rand.IntN(len(frame))]); err != nil {
		return err
	}
	return errEnough
}
