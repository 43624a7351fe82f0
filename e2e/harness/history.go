package harness

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Change is a workload's spec.replicas from a time on.
type Change struct {
	At       time.Time
	Replicas int
}

// History is every change of a workload's replicas, by time.
type History []Change

// Counts returns the replica counts in their order, without their times.
func (h History) Counts() []int {
	var counts []int
	for _, c := range h {
		counts = append(counts, c.Replicas)
	}
	return slices.Compact(counts)
}

// Since returns what held at a time and every change after it.
func (h History) Since(at time.Time) History {
	first := 0
	for i, c := range h {
		if !c.At.After(at) {
			first = i
		}
	}
	return h[first:]
}

// Until returns the changes up to a time.
func (h History) Until(at time.Time) History {
	return slices.DeleteFunc(slices.Clone(h), func(c Change) bool { return c.At.After(at) })
}

// At returns the replicas at a time; 0 before the first change.
func (h History) At(at time.Time) int {
	replicas := 0
	for _, c := range h {
		if !c.At.After(at) {
			replicas = c.Replicas
		}
	}
	return replicas
}

// Drops returns the changes to fewer replicas.
func (h History) Drops() History {
	var drops History
	for i := 1; i < len(h); i++ {
		if h[i].Replicas < h[i-1].Replicas {
			drops = append(drops, h[i])
		}
	}
	return drops
}

// Max returns the largest count.
func (h History) Max() int {
	most := 0
	for _, c := range h {
		most = max(most, c.Replicas)
	}
	return most
}

// Turns counts how often the direction changes: 0 for a curve that only rises or
// only falls, 1 for up and down again, more for one that flaps.
func (h History) Turns() int {
	turns, direction := 0, 0
	for i := 1; i < len(h); i++ {
		d := 0
		switch {
		case h[i].Replicas > h[i-1].Replicas:
			d = 1
		case h[i].Replicas < h[i-1].Replicas:
			d = -1
		}
		if d != 0 && direction != 0 && d != direction {
			turns++
		}
		if d != 0 {
			direction = d
		}
	}
	return turns
}

// First returns when the replicas first were at least n.
func (h History) First(n int) (at time.Time, ok bool) {
	for _, c := range h {
		if c.Replicas >= n {
			return c.At, true
		}
	}
	return time.Time{}, false
}

// String shows the counts and how many seconds after the first change they came.
func (h History) String() string {
	var b strings.Builder
	for i, c := range h {
		if i > 0 {
			b.WriteString(" -> ")
		}
		fmt.Fprintf(&b, "%d (%.1fs)", c.Replicas, c.At.Sub(h[0].At).Seconds())
	}
	return b.String()
}
