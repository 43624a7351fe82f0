package sweep

import "github.com/kafka-scaler/kafka-scaler/pkg/collector/store"

// publishChunk is how many groups or partitions are taken in before readers get a turn.
const publishChunk = 256

// chunks are a long piece of work that is done within Write, a chunk at a time. A panic of
// one index is none of the others' business.
type chunks struct {
	*Sweeper
	where   string
	next, n int
	do      func(s *store.Store, now store.Stamp, i int) (cost int)
	// guarded and some are made once, not for each of thousands of chunks.
	guarded func()
	some    func(s *store.Store, now store.Stamp)
}

// chunks returns work that calls do for n indexes.
func (w *Sweeper) chunks(where string, n int, do func(s *store.Store, now store.Stamp, i int) (cost int)) *chunks {
	c := &chunks{Sweeper: w, where: where, n: n, do: do}
	c.some = func(s *store.Store, now store.Stamp) {
		for cost := 0; c.next < c.n && cost < publishChunk; {
			i := c.next
			c.next++
			cost += c.do(s, now, i)
		}
	}
	c.guarded = func() { c.Write(c.some) }
	return c
}

// more goes on until that has cost as much as readers can wait. It returns false where nothing was left to do.
func (c *chunks) more() bool {
	if c.next >= c.n {
		return false
	}
	c.Guard(c.where, c.guarded)
	return true
}
