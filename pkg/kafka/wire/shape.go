package wire

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// kmsg believes the counts in a response: one of a few bytes can make it allocate
// gigabytes, and fifteen bytes that claim four billion tagged fields keep it busy
// for minutes, deaf to any deadline. So a response is walked first, by its shape,
// and only what its bytes really hold is given to kmsg. The large responses, to
// Metadata, ListOffsets and OffsetFetch for many groups, are read without kmsg.
//
// A shape is written one letter a field, in the order of Kafka's message
// definitions (clients/src/main/resources/common/message):
//
//	b h i l u   1, 2, 4, 8, 16 bytes       s   string or null
//	( )         array of what it encloses   y   bytes or null
//	t           tagged fields, in flexible versions only
type shape struct {
	from  int16 // the first version that has this shape
	shape string
}

// shapes are those of the versions that we speak, by API key.
var shapes = map[int16][]shape{
	9: { // OffsetFetch
		{2, "(s(ilsh))h"}, {3, "i(s(ilsh))h"}, {5, "i(s(ilisht)t)ht"},
	},
	10: { // FindCoordinator
		{1, "ihsisit"}, {4, "i(sisihst)t"},
	},
	15: { // DescribeGroups
		{0, "(hssss(sssyy))"}, {1, "i(hssss(sssyy))"}, {3, "i(hssss(sssyy)i)"}, {4, "i(hssss(ssssyyt)it)t"},
	},
	17: {{1, "h(s)"}},                              // SaslHandshake
	18: {{0, "h(hhh)"}},                            // ApiVersions
	36: {{0, "hsy"}, {1, "hsylt"}},                 // SaslAuthenticate
	69: consumerGroupDescribeShapes(),              // ConsumerGroupDescribe
	77: {{0, "i(hsssiis(ssiss(s)(us(i)t)tt)it)t"}}, // ShareGroupDescribe
	90: { // DescribeShareGroupOffsets
		{0, "i(s(su(ilihst)t)hst)t"}, {1, "i(s(su(ililhst)t)hst)t"},
	},
}

func consumerGroupDescribeShapes() []shape {
	const assignment = "(us(i)t)t"
	const member = "sssiss(s)s" + assignment + assignment
	return []shape{{0, "i(hsssiis(" + member + "t)it)t"}, {1, "i(hsssiis(" + member + "bt)it)t"}}
}

// CheckShape walks the body of a response.
func CheckShape(resp kmsg.Response, body []byte) error {
	var fits string
	for _, s := range shapes[resp.Key()] {
		if resp.GetVersion() >= s.from {
			fits = s.shape
		}
	}
	name := fmt.Sprintf("%s v%d", kmsg.NameForKey(resp.Key()), resp.GetVersion())
	if fits == "" {
		return fmt.Errorf("no shape of a response to %s is known", name)
	}
	w := walk{Reader: Bytes(body)}
	w.Flexible = resp.IsFlexible()
	w.fields(fits)
	if _, large := errors.AsType[*TooLargeError](w.Err()); large {
		return w.Err()
	}
	if w.Err() != nil {
		return fmt.Errorf("%w: malformed %s", ErrNotKafka, name)
	}
	return nil
}

// maxElements bounds the elements of all arrays of a response that kmsg reads: it makes
// more than a hundred bytes of one that has seven.
const maxElements = 250_000

// walk passes over a body.
type walk struct {
	*Reader
	// elements counts those of all arrays.
	elements int
}

func (w *walk) fields(shape string) {
	for i := 0; i < len(shape) && w.Err() == nil; i++ {
		switch shape[i] {
		case 's':
			w.SkipString()
		case 'y':
			w.Skip(w.Count())
		case 't':
			w.Tags()
		case '(':
			end := i + closing(shape[i:])
			for n := w.Count(); n > 0 && w.Err() == nil; n-- {
				w.elements++
				w.Bound(w.elements, maxElements, "elements")
				w.fields(shape[i+1 : end])
			}
			i = end
		default:
			w.Skip(width(shape[i]))
		}
	}
}

// width is how many bytes a field of fixed size has.
func width(kind byte) int {
	switch kind {
	case 'b':
		return 1
	case 'h':
		return 2
	case 'i':
		return 4
	case 'l':
		return 8
	default: // u
		return 16
	}
}

// closing returns where the parenthesis that s starts with ends.
func closing(s string) int {
	depth := 0
	return strings.IndexFunc(s, func(r rune) bool {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		return depth == 0
	})
}
