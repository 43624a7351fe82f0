package trigger

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strconv"
)

// Bounds of topicRegex, which keep one trigger's expression from costing the others memory and time: a{1000}
// repeated a hundred times is short to write.
const (
	// maxTopicRegex is its length in bytes.
	maxTopicRegex = 1024
	// maxRegexProgram is the size of what it compiles to, in instructions of about 40 bytes.
	maxRegexProgram = 2000
	// maxRegexSteps is how many steps a match of the longest name may take, 249 bytes; BenchmarkMatchTopic measures
	// what that is in time. An expression such as orders-.* takes some 700, and one that looks for
	// one of five words anywhere in the name 12,000.
	maxRegexSteps = 50_000
)

const tooComplex = "is too complex: its repetitions, .* among them, multiply"

func (p *parser) topicRegex() (string, *regexp.Regexp) {
	value, field, given := p.lookup("topicRegex")
	if !given {
		return "", nil
	}
	compiled, complaint := compileTopicRegex(value)
	if complaint != "" {
		p.report(field, value, complaint, `write an RE2 expression for the whole name, such as orders-.*`)
	}
	return value, compiled
}

// compileTopicRegex compiles an expression so that it matches whole names, or says why it cannot.
func compileTopicRegex(expression string) (compiled *regexp.Regexp, complaint string) {
	if len(expression) > maxTopicRegex {
		return nil, "is longer than " + strconv.Itoa(maxTopicRegex) + " bytes"
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, invalidRegex(err)
	}
	// Before anything is built: the copies that repetitions ask for are.
	if programSize(parsed) > maxRegexProgram {
		return nil, tooComplex
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, invalidRegex(err)
	}
	if !cheapToMatch(program) {
		return nil, tooComplex
	}
	// The parsed form and not the text: an unfinished \Q would swallow what is put behind it.
	compiled, err = regexp.Compile(`\A(?:` + parsed.String() + `)\z`)
	if err != nil {
		return nil, invalidRegex(err)
	}
	return compiled, ""
}

// invalidRegex says what is wrong with an expression without repeating it, which the problem's value does.
func invalidRegex(err error) string {
	if invalid, ok := errors.AsType[*syntax.Error](err); ok {
		return "is not a valid expression: " + invalid.Code.String()
	}
	return "is not a valid expression"
}

// programSize is about how many instructions an expression compiles to; it stops counting beyond maxRegexProgram.
func programSize(re *syntax.Regexp) int {
	size := 1
	switch re.Op {
	case syntax.OpLiteral:
		return max(1, len(re.Rune))
	case syntax.OpCapture:
		size = 2
	}
	for _, sub := range re.Sub {
		if size += programSize(sub); size > maxRegexProgram {
			return size
		}
	}
	if re.Op == syntax.OpRepeat {
		// x{2,5} is xx(x(xx?)?)?, and x{2,} is xx+.
		size *= max(1, re.Min, re.Max)
	}
	return min(size, maxRegexProgram+1)
}

// cheapToMatch reports whether no name takes more than maxRegexSteps. A matcher follows all ways through the
// program at once, and at each position of the name does some work for each instruction that
// it can be at: at most those that it could be at if every character fitted.
func cheapToMatch(program *syntax.Prog) bool {
	steps := 0
	here, next := newThreads(program), newThreads(program)
	here.follow(uint32(program.Start)) //nolint:gosec // an index
	for range maxTopicName + 1 {
		if steps += len(here.list); steps > maxRegexSteps {
			return false
		}
		for _, pc := range here.list {
			if inst := &program.Inst[pc]; consumes(inst) {
				next.follow(inst.Out)
			}
		}
		here, next = next, here
		next.clear()
	}
	return true
}

// threads are the instructions that a matcher can be at.
type threads struct {
	program *syntax.Prog
	at      []bool
	list    []uint32
}

func newThreads(program *syntax.Prog) *threads {
	return &threads{program: program, at: make([]bool, len(program.Inst)), list: make([]uint32, 0, len(program.Inst))}
}

// follow adds an instruction and those that can be reached from it without a character.
func (t *threads) follow(pc uint32) {
	at := len(t.list)
	for t.add(pc); at < len(t.list); at++ {
		switch inst := &t.program.Inst[t.list[at]]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			t.add(inst.Out)
			t.add(inst.Arg)
		case syntax.InstCapture, syntax.InstEmptyWidth, syntax.InstNop:
			t.add(inst.Out)
		}
	}
}

func (t *threads) add(pc uint32) {
	if !t.at[pc] {
		t.at[pc] = true
		t.list = append(t.list, pc)
	}
}

func (t *threads) clear() {
	clear(t.at)
	t.list = t.list[:0]
}

func consumes(inst *syntax.Inst) bool {
	switch inst.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	}
	return false
}
