package arrivals

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// MostTimes bounds how many times [Read] asks about, and with it how long it takes.
const MostTimes = 5000

// History is how many records there were at some times.
type History struct {
	// Times ascend. They begin later than what was asked for where the first records came later, or retention
	// has removed some since.
	Times []time.Time
	// Total is how many records had arrived in all partitions at each of the times, since the first.
	Total []int64
	// ByPartition is how many arrived in each partition from the first time to the last.
	ByPartition map[lag.TopicPartition]int64
}

// Read asks, for each of the times, where the partitions' logs had got to, newest first. times must ascend.
// progress, which may be nil, is told the share that is done. It fails where a partition cannot be read.
func Read(ctx context.Context, source Source, partitions []lag.TopicPartition, times []time.Time, progress func(float64)) (*History, error) {
	if len(times) < 2 || len(times) > MostTimes || len(partitions) == 0 {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "read arrivals", Err: errors.New("it takes partitions, and from 2 to 5000 times")}
	}
	if progress == nil {
		progress = func(float64) {}
	}
	r := &reader{source: source, partitions: partitions}
	starts, err := r.ask(ctx, func() answers { return positions(ctx, source, lag.Start, partitions) })
	if err != nil {
		return nil, err
	}
	ends, err := r.ask(ctx, func() answers { return positions(ctx, source, lag.End, partitions) })
	if err != nil {
		return nil, err
	}
	h := &History{ByPartition: map[lag.TopicPartition]int64{}}
	rounds, err := r.rounds(ctx, times, starts, ends, progress)
	if err != nil {
		return nil, err
	}
	h.fill(times[len(times)-len(rounds):], rounds, partitions)
	return h, nil
}

type reader struct {
	source     Source
	partitions []lag.TopicPartition
}

// rounds returns the offsets at each of the times, oldest first. They begin where the first records came, or
// where retention has removed records of a partition.
func (r *reader) rounds(ctx context.Context, times []time.Time, starts, ends offsets, progress func(float64)) ([]offsets, error) {
	rounds := make([]offsets, 0, len(times))
	after := ends
	for _, t := range slices.Backward(times) {
		at, err := r.at(ctx, t, after)
		if err != nil {
			return nil, err
		}
		if removed(r.partitions, at, starts, ends) {
			break
		}
		rounds = append(rounds, at)
		progress(float64(len(rounds)) / float64(len(times)))
		if maps.Equal(at, starts) {
			break // there is nothing before the first records
		}
		after = at
		if err := wait(ctx); err != nil {
			return nil, err
		}
	}
	if len(rounds) < 2 {
		return nil, &fault.Error{
			Kind: fault.Precondition, Op: "read arrivals", Err: errors.New("retention has removed the records of the time asked for"),
			Remedy: "ask for less time, or for topics that keep their records longer",
		}
	}
	slices.Reverse(rounds)
	return rounds, nil
}

// at returns where the logs had got to at a time.
func (r *reader) at(ctx context.Context, t time.Time, after offsets) (offsets, error) {
	asked := make(map[lag.TopicPartition]int64, len(r.partitions))
	for _, tp := range r.partitions {
		asked[tp] = t.UnixMilli()
	}
	found, err := r.ask(ctx, func() answers { return atTimes(ctx, r.source, asked) })
	if err != nil {
		return nil, err
	}
	found.notAfter(after)
	return found, nil
}

// ask makes one round, and a second one where the first failed: leaders move.
func (r *reader) ask(ctx context.Context, round func() answers) (offsets, error) {
	a := round()
	err := a.problem(r.partitions)
	if err == nil || ctx.Err() != nil {
		return a.found, err
	}
	if err := wait(ctx); err != nil {
		return nil, err
	}
	a = round()
	return a.found, a.problem(r.partitions)
}

func (h *History) fill(times []time.Time, rounds []offsets, partitions []lag.TopicPartition) {
	h.Times = times
	first, last := rounds[0], rounds[len(rounds)-1]
	for _, round := range rounds {
		var total int64
		for _, tp := range partitions {
			total += round[tp] - first[tp]
		}
		h.Total = append(h.Total, total)
	}
	for _, tp := range partitions {
		h.ByPartition[tp] = last[tp] - first[tp]
	}
}

// Rates returns the records a second between each two times, at the middle between them, in seconds since 1970.
func (h *History) Rates() (seconds, rates []float64) {
	for i := 1; i < len(h.Times); i++ {
		from, to := h.Times[i-1], h.Times[i]
		span := to.Sub(from).Seconds()
		seconds = append(seconds, float64(from.UnixMilli())/1000+span/2)
		rates = append(rates, float64(h.Total[i]-h.Total[i-1])/span)
	}
	return seconds, rates
}

// Times returns the times to ask about to know what arrived until now: each minute of the span, and each quarter
// of an hour of a week before it.
func Times(now time.Time, span time.Duration) []time.Time {
	var times []time.Time
	start := now.Add(-span)
	for t := start.Add(-7 * 24 * time.Hour); t.Before(start); t = t.Add(15 * time.Minute) {
		times = append(times, t)
	}
	for t := start; !t.After(now); t = t.Add(time.Minute) {
		times = append(times, t)
	}
	return times
}
