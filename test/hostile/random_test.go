package hostile

import (
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/kafka-scaler/kafka-scaler/internal/hostilebroker"
)

func newDice(seed uint64) *dice {
	return &dice{
		Rand: rand.New(rand.NewPCG(seed, 1)), who: "test",
		inline: []string{"127.0.0.1:1", "127.0.0.1:2"}, names: []hostilebroker.Kind{hostilebroker.Plausible},
	}
}

// TestMetadataFitsTheDoor: what is larger than a request may be would be refused
// before it does any harm, and the run would show nothing.
func TestMetadataFitsTheDoor(t *testing.T) {
	const door = 256 << 10
	for _, a := range attacks() {
		if a.metadata == nil {
			continue
		}
		d, biggest := newDice(1), 0
		for range 200 {
			biggest = max(biggest, proto.Size(d.ref(a.metadata(d))))
		}
		if biggest > door {
			t.Errorf("%s: a trigger of %d bytes, a request may have %d", a.name, biggest, door)
		}
	}
}

// TestSeedDecides: the same seed draws the same triggers, another one others.
func TestSeedDecides(t *testing.T) {
	for _, a := range attacks() {
		if a.metadata == nil {
			continue
		}
		one, same, other := newDice(1), newDice(1), newDice(2)
		differs := false
		for range 20 {
			first := one.ref(a.metadata(one))
			if !proto.Equal(first, same.ref(a.metadata(same))) {
				t.Errorf("%s: two triggers of one seed differ", a.name)
				break
			}
			differs = differs || !proto.Equal(first, other.ref(a.metadata(other)))
		}
		if !differs {
			t.Errorf("%s: another seed draws the same", a.name)
		}
	}
}
