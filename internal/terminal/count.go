package terminal

import "fmt"

// Count is a number of things whose name takes an s where they are not one.
func Count[N ~int | ~int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
