package scaledobject

import (
	"errors"
	"runtime/metrics"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Shares of the memory that the process may use, in percent, beyond which nothing new is taken: of what was in use
// after the last collection, and of what was allocated since as well. The rest is for
// garbage, stacks and what brokers answer.
const (
	mostLive      = 50
	mostAllocated = 85
)

// headroom tells when the memory is too full for triggers that nobody has asked about
// yet. Each table has a bound of its own, but several tenants who take all that they may
// come to more than there is. The zero value always has room.
type headroom struct {
	// limit is how many bytes the process may use; 0 for any number.
	limit uint64
	// used returns the bytes in use after the last collection, and those with what was allocated since.
	used func() (live, allocated uint64)
}

// headroomWithin is that of a process that may use so many bytes; 0 is any number.
func headroomWithin(memory int64) headroom {
	if memory <= 0 {
		return headroom{}
	}
	return headroom{limit: uint64(memory), used: heapInUse}
}

// heapInUse asks the Go runtime.
func heapInUse() (live, allocated uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	for i, into := range []*uint64{&live, &allocated} {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			*into = samples[i].Value.Uint64()
		}
	}
	return live, allocated
}

// check returns why nothing new is taken, or nil.
func (h headroom) check(ref Ref) error {
	if h.limit == 0 {
		return nil
	}
	if live, allocated := h.used(); live < h.limit/100*mostLive && allocated < h.limit/100*mostAllocated {
		return nil
	}
	short := ref.cut()
	return &fault.Error{
		Kind: fault.Exhausted, Op: "take up", Object: "a trigger of " + short.Namespace + "/" + short.Name,
		Err:    errors.New("the memory of the scaler is in use, and what it has not been asked about before has to wait"),
		Remedy: "raise GOMEMLIMIT together with the memory limit of the pod, or look for ScaledObjects with very many topics, groups or triggers",
	}
}
