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
// Beside them
//
//	hw=45                    the high watermark, where end is the last stable offset
//	earlier-log              the commit was made in an earlier log of that name
//	done=3                   records that a share group has finished out of order
//	moved=5m                 how long ago the commit was last seen to move
//	empty=10-39              a look at the log from 10 to 39 found no record at all
//	aborted=10-39            the same, but for records of aborted transactions
//	record=10-39             that look found a record
//	unread=10-39             the topic may not be read
//	oldest=90s               how old the oldest unconsumed record is; "?" where it could not be found out
//	oldest=90s@5             the same, found for commit 5 instead of this one
//	oldest=90s@5/12s         and found out 12 s ago
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
	kind, oldest := "", ""
	for _, field := range fields[2:] {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "kind":
			kind = value
			continue
		case "oldest":
			oldest = value
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
	if oldest != "" {
		var err error
		if o.Oldest, err = parseOldest(oldest, o.Committed, now); err != nil {
			return nil, fmt.Errorf("oldest=%s: %w", oldest, err)
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
	case "moved":
		o.MovedAt, err = before(now, value)
	case "hw":
		o.HighWatermark, err = offset(value)
	case "earlier-log":
		o.CommitOfEarlierLog = true
	case "done":
		o.Done, err = offset(value)
	case "empty", "aborted", "record", "unread":
		o.Inspected, err = parseInspection(key, value)
	default:
		err = errors.New("unknown key")
	}
	return err
}

func parseInspection(key, value string) (*lag.Inspection, error) {
	in := &lag.Inspection{Empty: key == "empty" || key == "aborted", ReadCommitted: key == "aborted"}
	if key == "unread" {
		in.Err = errors.New("the topic may not be read")
	}
	_, err := fmt.Sscanf(value, "%d-%d", &in.Committed, &in.LogEnd)
	return in, err
}

func parseOldest(value string, committed int64, now time.Time) (*lag.Oldest, error) {
	o := &lag.Oldest{Committed: committed, ObservedAt: now}
	value, found, isOld := strings.Cut(value, "/")
	var err error
	if isOld {
		if o.ObservedAt, err = before(now, found); err != nil {
			return nil, err
		}
	}
	age, commit, isOther := strings.Cut(value, "@")
	if isOther {
		if o.Committed, err = offset(commit); err != nil {
			return nil, err
		}
	}
	if age == "?" {
		o.Err = errors.New("the broker has no timestamp for it")
		return o, nil
	}
	o.Timestamp, err = before(now, age)
	return o, err
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
	for k := fault.Internal; k <= fault.Exhausted; k++ {
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
