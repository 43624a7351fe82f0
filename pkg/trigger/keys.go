package trigger

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// maxSuggested is the length of the longest key that is compared with the known ones, in bytes.
const maxSuggested = 64

// checkKeys reports what must not be in the metadata at all: credentials, misplaced and unknown keys. A
// value of these is never repeated: a mistyped key may well hold a password.
func (p *parser) checkKeys() {
	unknown := 0
	for _, key := range slices.Sorted(maps.Keys(p.metadata)) {
		name := strings.TrimSuffix(key, fromEnv)
		i, known := p.index[name]
		switch {
		case known && p.params[i].Use >= Credential:
			// KEDA reads a blank value as absent, and a chart may well render one.
			if strings.TrimSpace(p.metadata[key]) != "" {
				p.note(p.params[i].refuse(key))
			}
		case known && (key == name || p.params[i].FromEnv):
		case known:
			p.report(key, "", name+" is not read from the environment", "write "+name+" with its value; FromEnv works for "+p.envNames())
		case unknown < maxPerField:
			unknown++
			p.report(key, "", "is not a known parameter", p.suggest(key))
		default:
			unknown++
		}
	}
	if unknown > maxPerField {
		p.report("metadata", "", fmt.Sprintf("has %d more unknown parameters", unknown-maxPerField), "")
	}
}

// ReadFromEnv reports whether a metadata key that ends in FromEnv is one that is read.
// Any other is refused, whatever its variable holds.
func ReadFromEnv(key string) bool {
	name, found := strings.CutSuffix(key, fromEnv)
	return found && slices.ContainsFunc(Parameters(), func(param Parameter) bool { return param.FromEnv && param.Name == name })
}

func (p *parser) envNames() string {
	var names []string
	for _, param := range p.params {
		if param.FromEnv {
			names = append(names, param.Name)
		}
	}
	return strings.Join(names, ", ")
}

const removeIt = "remove it; docs/parameters.md lists what there is"

// suggest names the known key that is nearest to an unknown one, or else the page that lists them all.
func (p *parser) suggest(key string) string {
	name, suffix := key, ""
	if base, found := strings.CutSuffix(key, fromEnv); found && base != "" {
		name, suffix = base, fromEnv
	}
	if len(name) > maxSuggested {
		return removeIt
	}
	name = strings.ToLower(name)
	var best Parameter
	bestDistance := maxDistance(name) + 1
	for _, param := range p.params {
		if suffix != "" && param.Use <= Ignored && !param.FromEnv {
			continue
		}
		if d := fault.Distance(name, strings.ToLower(param.Name), bestDistance); d < bestDistance {
			best, bestDistance = param, d
		}
	}
	switch {
	case best.Name == "":
		return removeIt
	case best.Use >= Credential:
		return "if " + best.Name + " is meant: " + best.refuse(key).Remedy
	default:
		return "did you mean " + best.Name + suffix + "?"
	}
}

// maxDistance is how many mistakes a key of this length may have and still be recognised: one in three letters.
func maxDistance(key string) int { return len(key) / 3 }

// sorted returns the problems in the order of the parameter table, unknown keys last and by name, with what was not
// kept counted.
func (p *parser) sorted() []Problem {
	rank := func(q Problem) int {
		if i, known := p.index[strings.TrimSuffix(q.Field, fromEnv)]; known {
			return i
		}
		return len(p.params)
	}
	// Stable: problems of one field stay as found, and unknown keys were found by name.
	slices.SortStableFunc(p.problems, func(a, b Problem) int { return rank(a) - rank(b) })
	var shown []Problem
	for i, problem := range p.problems {
		shown = append(shown, problem)
		last := i+1 == len(p.problems) || p.problems[i+1].Field != problem.Field
		if more := p.found[problem.Field] - maxPerField; last && more > 0 {
			shown = append(shown, Problem{Field: problem.Field, Message: fmt.Sprintf("and %d more problems", more)})
		}
	}
	if more := len(shown) - maxProblems; more > 0 {
		shown = append(shown[:maxProblems], Problem{Field: "metadata", Message: fmt.Sprintf("has %d more problems", more)})
	}
	return shown
}
