package store

// Access is how the rooms above get at a store that they share: whoever holds the lock
// implements it. It stands here, not with each caller, because it says how a [Store] may be
// used, and that is the same for all of them. Nothing waits within Read or Write, which are
// not nested.
type Access interface {
	// Read runs do while others may read the store too, and Write while nobody else may use it.
	Read(do func(s *Store, now Stamp))
	Write(do func(s *Store, now Stamp))
	// Guard runs do, and reports whether it has come to its end. A panic ends do, and nothing else.
	Guard(where string, do func()) (well bool)
}
