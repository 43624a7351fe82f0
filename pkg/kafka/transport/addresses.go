package transport

import "sync"

// maxAddresses bounds how many addresses are remembered.
const maxAddresses = 10_000

// Addresses remembers where brokers have answered requests. A connection that is
// closed there without a word was closed by a broker that starts or stops, and not
// by a listener that expects another security protocol.
type Addresses struct {
	mu  sync.Mutex
	all map[string]struct{}
}

// Add notes that a request was answered at an address.
func (a *Addresses) Add(addr string) {
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

// Has tells whether one was.
func (a *Addresses) Has(addr string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.all[addr]
	return known
}
