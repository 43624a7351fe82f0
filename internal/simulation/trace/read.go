package trace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds of what Read takes.
const (
	// MostSamples is the most samples in a file: more than a week of seconds.
	MostSamples = 1_000_000
	// MostBytes is the most bytes of a file.
	MostBytes = 64 << 20
	// longestLine bounds a line; a sample takes less than fifty bytes.
	longestLine = 4096
	// highestRate bounds a rate, and latestTime a time, so that no arithmetic gets out of hand.
	highestRate = 1e12
	latestTime  = 1e12
	// longest bounds what lies between the first sample and the last: a year.
	longest = 366 * 24 * 3600
)

// header is the first line of a file.
const header = "timestamp,rate"

// Read reads a CSV file: the line "timestamp,rate", and then one sample a line, with the time in seconds
// (Unix time, or any other) and the rate at it, which must not be negative. Errors name the line.
func Read(r io.Reader) (*Trace, error) {
	lines := bufio.NewScanner(io.LimitReader(r, MostBytes+1))
	lines.Buffer(make([]byte, 0, longestLine), longestLine)
	var p parser
	for lines.Scan() {
		p.line++
		if p.bytes += len(lines.Bytes()) + 1; p.bytes > MostBytes {
			return nil, fmt.Errorf("the file has more than %d MiB", MostBytes>>20)
		}
		if err := p.take(strings.TrimSpace(lines.Text())); err != nil {
			return nil, fmt.Errorf("line %d: %w", p.line, err)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d has more than %d bytes", p.line+1, longestLine)
	} else if err != nil {
		return nil, err
	}
	if p.line == 0 {
		return nil, fmt.Errorf("the file is empty; its first line must be %q", header)
	}
	return New(p.seconds, p.rates)
}

type parser struct {
	line, bytes    int
	seconds, rates []float64
}

func (p *parser) take(line string) error {
	if p.line == 1 {
		if strings.TrimPrefix(line, "\ufeff") != header {
			return fmt.Errorf("the first line must be %q (got %.40q)", header, line)
		}
		return nil
	}
	if line == "" {
		return nil
	}
	at, rate, ok := strings.Cut(line, ",")
	if !ok {
		return fmt.Errorf("it needs a timestamp, a comma and a rate (got %.40q)", line)
	}
	s, ok := number(at, -latestTime, latestTime)
	if !ok {
		return fmt.Errorf("the timestamp must be a number of seconds (got %.40q)", at)
	}
	v, ok := number(rate, 0, highestRate)
	if !ok {
		return fmt.Errorf("the rate must be a number from 0 to %.0e (got %.40q)", float64(highestRate), rate)
	}
	return p.add(s, v)
}

func (p *parser) add(s, v float64) error {
	if n := len(p.seconds); n > 0 {
		switch {
		case s <= p.seconds[n-1]:
			return fmt.Errorf("times must ascend (got %.0f after %.0f)", s, p.seconds[n-1])
		case s-p.seconds[0] > longest:
			return errors.New("it is more than a year after the first sample; times must be in seconds")
		case n == MostSamples:
			return fmt.Errorf("the file has more than %d samples", MostSamples)
		}
	}
	p.seconds, p.rates = append(p.seconds, s), append(p.rates, v)
	return nil
}

func number(text string, low, high float64) (v float64, ok bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return v, err == nil && v >= low && v <= high
}
