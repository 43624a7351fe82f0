package fault

import "fmt"

// Count names a number of things, whose name takes an s where they are not one: "1 replica", "5 replicas".
func Count[N ~int | ~int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
