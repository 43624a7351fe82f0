package kafka

import "sync"

// inParallel calls do for every item, from at most workers goroutines at a time,
// and returns when all calls have.
func inParallel[T any](workers int, items []T, do func(T)) {
	work := make(chan T)
	var working sync.WaitGroup
	for range min(workers, len(items)) {
		working.Go(func() {
			for item := range work {
				do(item)
			}
		})
	}
	for _, item := range items {
		work <- item
	}
	close(work)
	working.Wait()
}
