package trigger

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parser reads values by the rules of [Parameters] and collects what is wrong.
type parser struct {
	metadata map[string]string
	params   []Parameter
	index    map[string]int
	problems []Problem
	// found is how many problems each field has, those that were not kept among them.
	found map[string]int
}

const fromEnv = "FromEnv"

func newParser(metadata map[string]string) *parser {
	p := &parser{metadata: metadata, params: Parameters(), found: map[string]int{}}
	p.index = make(map[string]int, len(p.params))
	for i, param := range p.params {
		p.index[param.Name] = i
	}
	return p
}

// report notes a problem, as long as there are not enough about the field already.
func (p *parser) report(field, value, message, remedy string) {
	p.note(Problem{Field: field, Value: value, Message: message, Remedy: remedy})
}

func (p *parser) note(problem Problem) {
	if p.found[problem.Field]++; p.found[problem.Field] <= maxPerField {
		p.problems = append(p.problems, problem)
	}
}

// lookup returns a parameter's value and the key it came from. The key itself wins over the one that ends
// in FromEnv, and what is blank counts as absent (configParamValue in KEDA's typed_config.go, with the
// parsing order triggerMetadata;resolvedEnv). KEDA sends the resolved value under the FromEnv key
// (parseExternalScalerMetadata in external_scaler.go), so there is nothing left to resolve.
func (p *parser) lookup(name string) (value, field string, given bool) {
	if value = strings.TrimSpace(p.metadata[name]); value != "" {
		return value, name, true
	}
	if p.params[p.index[name]].FromEnv {
		if value = strings.TrimSpace(p.metadata[name+fromEnv]); value != "" {
			return value, name + fromEnv, true
		}
	}
	return "", name, false
}

func (p *parser) given(name string) bool {
	_, _, given := p.lookup(name)
	return given
}

func (p *parser) defaultOf(name string) string { return p.params[p.index[name]].Default }

// oneOf returns an enum's value, and its default where the value is not allowed.
func (p *parser) oneOf(name string) string {
	value, field, given := p.lookup(name)
	if !given {
		return p.defaultOf(name)
	}
	allowed := p.params[p.index[name]].Values
	if !slices.Contains(allowed, value) {
		remedy := "write " + strings.Join(allowed, " or ")
		if lower := strings.ToLower(value); slices.Contains(allowed, lower) {
			remedy = "write " + lower + ", in lower case"
		}
		p.report(field, value, "is not a known value", remedy)
		return p.defaultOf(name)
	}
	return value
}

// boolean returns a bool's value, and its default where the value is none.
func (p *parser) boolean(name string) bool {
	// A test holds that every default in the table parses.
	fallback, _ := strconv.ParseBool(p.defaultOf(name))
	value, field, given := p.lookup(name)
	if !given {
		return fallback
	}
	b, err := strconv.ParseBool(value)
	if err != nil {
		p.report(field, value, "is not a boolean", "write true or false")
		return fallback
	}
	return b
}

// isTrue reports whether a bool is given and true.
func (p *parser) isTrue(name string) bool {
	value, _, _ := p.lookup(name)
	b, err := strconv.ParseBool(value)
	return err == nil && b
}

// isFalse reports whether a bool is given and false, whatever its default.
func (p *parser) isFalse(name string) bool {
	value, _, _ := p.lookup(name)
	b, err := strconv.ParseBool(value)
	return err == nil && !b
}

// integer returns an int's value, and its default, 0 where it has none, where the value is none or below least.
func (p *parser) integer(name string, least int64) int64 {
	fallback, _ := parseJSONInt(p.defaultOf(name))
	value, field, given := p.lookup(name)
	if !given {
		return fallback
	}
	n, ok := parseJSONInt(value)
	switch {
	case !ok:
		p.report(field, value, "is not a whole number of 64 bits", "write digits only, such as "+cmp.Or(p.defaultOf(name), "30"))
		return fallback
	case n < least:
		p.report(field, value, fmt.Sprintf("must be at least %d", least), "write a larger number")
		return fallback
	}
	return n
}

// parseJSONInt takes what json.Unmarshal takes into an int64, as KEDA reads ints (setConfigValueHelper in
// typed_config.go): an optional minus sign and digits without leading zeros.
func parseJSONInt(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	if strings.HasPrefix(digits, "+") || (len(digits) > 1 && digits[0] == '0') {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// duration returns a duration, and its default where the value is none or out of range; most 0 is no bound.
func (p *parser) duration(name string, least, most time.Duration) time.Duration {
	fallback, _ := time.ParseDuration(p.defaultOf(name))
	value, field, given := p.lookup(name)
	if !given {
		return fallback
	}
	d, err := time.ParseDuration(value)
	switch {
	case err != nil:
		p.report(field, value, "is not a duration", "write a number with its unit, such as "+cmp.Or(p.defaultOf(name), "30s"))
		return fallback
	case d < least:
		p.report(field, value, "must be at least "+least.String(), "write a longer duration")
		return fallback
	case most > 0 && d > most:
		p.report(field, value, "must be at most "+most.String(), "write a shorter duration")
		return fallback
	}
	return d
}
