// Package lagcase reads what Kafka said about partitions from text, for the text-file
// cases of tests. A line is
//
//	orders 0 committed=10 start=0 end=39
//	orders 1-4 committed=- start=5 end=9 age=3s stalled=2m err=the broker is gone
//
// with topic, partition or range of partitions, and in any order committed, start and end
// ("-", or left out, for no commit or not known), age (how long ago the offsets were
// read, "never" for not at all, 0 where left out), stalled (for how long the commit has stood still with
// lag behind it), kind (a fault.Kind for err), and last of all err, whose text is the rest of the line.
package lagcase

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Parse reads one line per partition or range of partitions, as seen at now.
func Parse(text string, now time.Time) ([]lag.Offsets, error) {
	var offsets []lag.Offsets
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		parsed, err := parseLine(line, now)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		offsets = append(offsets, parsed...)
	}
	return offsets, nil
}

func parseLine(line string, now time.Time) ([]lag.Offsets, error) {
	line, failure, failed := strings.Cut(line, " err=")
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return nil, errors.New("want a topic and a partition")
	}
	o := lag.Offsets{Committed: lag.NoCommit, LogStart: lag.Unknown, LogEnd: lag.Unknown, ObservedAt: now}
	kind := ""
	for _, field := range fields[2:] {
		key, value, _ := strings.Cut(field, "=")
		if key == "kind" {
			kind = value
			continue
		}
		if err := set(&o, key, value, now); err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
	}
	if failed {
		var err error
		if o.Err, err = failureOf(kind, failure); err != nil {
			return nil, err
		}
	}
	return spread(o, fields[0], fields[1])
}

func set(o *lag.Offsets, key, value string, now time.Time) (err error) {
	switch key {
	case "committed":
		o.Committed, err = offset(value)
	case "start":
		o.LogStart, err = offset(value)
	case "end":
		o.LogEnd, err = offset(value)
	case "age":
		if value == "never" {
			o.ObservedAt = time.Time{}
			return nil
		}
		o.ObservedAt, err = before(now, value)
	case "stalled":
		o.StalledSince, err = before(now, value)
	default:
		err = errors.New("unknown key")
	}
	return err
}

func offset(value string) (int64, error) {
	if value == "-" {
		return lag.Unknown, nil
	}
	return strconv.ParseInt(value, 10, 64)
}

func before(now time.Time, value string) (time.Time, error) {
	ago, err := time.ParseDuration(value)
	return now.Add(-ago), err
}

func failureOf(kind, text string) (error, error) {
	if kind == "" {
		return errors.New(text), nil
	}
	for k := fault.Internal; k <= fault.Precondition; k++ {
		if k.String() == kind {
			return &fault.Error{Kind: k, Op: text}, nil
		}
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}

// spread repeats the offsets for a range of partitions.
func spread(o lag.Offsets, topic, partitions string) ([]lag.Offsets, error) {
	low, high, isRange := strings.Cut(partitions, "-")
	if !isRange {
		high = low
	}
	first, err := strconv.ParseInt(low, 10, 32)
	if err != nil {
		return nil, err
	}
	last, err := strconv.ParseInt(high, 10, 32)
	if err != nil {
		return nil, err
	}
	var offsets []lag.Offsets
	for id := first; id <= last; id++ {
		o.TopicPartition = lag.TopicPartition{Topic: topic, Partition: int32(id)} //nolint:gosec // parsed as 32 bits
		offsets = append(offsets, o)
	}
	return offsets, nil
}
