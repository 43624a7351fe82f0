package kafka

import "sync"

// maxAddresses bounds how many addresses are remembered.
const maxAddresses = 10_000

// addresses remembers where brokers have answered requests. A connection that is
// closed there without a word was closed by a broker that starts or stops, and not
// by a listener that expects another security protocol.
type addresses struct {
	mu  sync.Mutex
	all map[string]struct{}
}

func (a *addresses) add(addr string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.all[addr]; known {
		return
	}
	if a.all == nil || len(a.all) >= maxAddresses {
		// Those in use are soon there again.
		a.all = map[string]struct{}{}
	}
	a.all[addr] = struct{}{}
}

func (a *addresses) has(addr string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.all[addr]
	return known
}
