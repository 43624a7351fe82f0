package config

import "strings"

// nearest returns the known key that was probably meant, or "": at most a third
// of its letters may be wrong, missing or too many, and always two may be, which
// is what two swapped letters count.
func nearest(key string, known []string) string {
	best, bestDistance := "", len(key)
	for _, k := range known {
		d := distance(strings.ToLower(key), strings.ToLower(k))
		if d <= max(2, len(k)/3) && d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the edit distance of Levenshtein, over bytes: the known keys are ASCII.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
