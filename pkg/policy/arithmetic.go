package policy

import (
	"math"
	"strings"
)

// ceilDiv is the smallest integer not below a / b, for a >= 0 and b > 0.
func ceilDiv(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}

// mul multiplies numbers that are not negative, and stops at the largest int64 where the
// product is beyond it.
func mul(a, b int64) int64 {
	if b != 0 && a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}

// nextDivisor is the smallest divisor of n that is at least need, and n where need is
// beyond it. n must be at least 1.
func nextDivisor(n, need int64) int64 {
	best := n
	for i := int64(1); i <= n/i; i++ {
		if n%i != 0 {
			continue
		}
		if i >= need {
			return i
		}
		if n/i >= need {
			best = n / i
		}
	}
	return best
}

// feed is the verb for what feeds: "1 partition" feeds, "5 partitions" feed.
func feed(what string) string {
	if strings.HasPrefix(what, "1 ") {
		return "feeds"
	}
	return "feed"
}
