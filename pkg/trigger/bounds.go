package trigger

import (
	"fmt"
	"strconv"
	"strings"
)

// Bounds of one trigger. Whoever may write a ScaledObject can send anything that fits into a
// request; what it costs to refuse that, and what an accepted trigger costs from then on, must
// stay small.
const (
	// maxMetadata is the length of all keys and values together, in bytes, and maxKeys their number. 1,000 topics
	// have room; there are fewer than 100 parameters.
	maxMetadata = 64 << 10
	maxKeys     = 100
	// maxBootstrapServers is enough to find any cluster: one that answers is.
	maxBootstrapServers = 20
	// maxGroups of one trigger: each is read, and explained, on its own.
	maxGroups = 20
	// maxTopics is also how many an expression may match (pkg/collector).
	maxTopics = 1000
	// maxGroupTopics bounds groups x topics, each of which is tracked on its own.
	maxGroupTopics = 5000
	// maxPartitionRanges bounds partitionLimitation. How many ids a range spans costs nothing.
	maxPartitionRanges = 1000
	// maxMetricName in bytes. One topic and the prefix fit in; neither KEDA nor Kubernetes has a limit of its own
	// below that of a URL.
	maxMetricName = 300
	// maxPerField and maxProblems bound how many problems of one field, and of all, are spelt out.
	maxPerField = 20
	maxProblems = 50
)

// tooLarge says why metadata is refused as a whole, before anything is made of it; nil where it is not.
func tooLarge(metadata map[string]string) error {
	size := 0
	for key, value := range metadata {
		size += len(key) + len(value)
	}
	var message string
	switch {
	case size > maxMetadata:
		message = fmt.Sprintf("has %d bytes, and a trigger may have %d", size, maxMetadata)
	case len(metadata) > maxKeys:
		message = fmt.Sprintf("has %d keys, and a trigger may have %d", len(metadata), maxKeys)
	default:
		return nil
	}
	return asFault([]Problem{{Field: "metadata", Message: message, Remedy: "split it into several triggers, or name topics with topicRegex"}})
}

// list returns the elements of a value without those that are empty, as Kafka's clients read lists. Where there are
// more than most it reports that and returns the first ones. name is what an element is, in the plural.
func (p *parser) list(field, value string, most int, name string) []string {
	var elements []string
	n := 0
	for element := range strings.SplitSeq(value, ",") {
		if element = strings.TrimSpace(element); element == "" {
			continue
		}
		if n++; n <= most {
			elements = append(elements, element)
		}
	}
	if n > most {
		p.report(field, value, fmt.Sprintf("names %d %s, and a trigger may have %d", n, name, most), tooManyRemedy(name))
	}
	return elements
}

func tooManyRemedy(name string) string {
	if name == "addresses" {
		return "name a few; one that answers is enough"
	}
	return "split it into several triggers"
}

// checkGroupTopics reports more pairs of group and topic than one trigger may have.
func (p *parser) checkGroupTopics(s *Selection) {
	if n := len(s.ConsumerGroups) * len(s.Topics); n > maxGroupTopics {
		p.report("topic", "", fmt.Sprintf("%d groups and %d topics make %d pairs, and a trigger may have %s", len(s.ConsumerGroups), len(s.Topics), n,
			strconv.Itoa(maxGroupTopics)), "split it into several triggers")
	}
}
