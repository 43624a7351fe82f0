package main

import (
	"context"
	"fmt"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kedaloop"
)

// view is what the rows are made from between two looks.
type view struct {
	*demo
	load      []phase
	phase     phase
	now       moment
	row       time.Duration // the second of the last row that stayed
	countedAt time.Duration
	counted   int64
}

// update looks at everything once, turns the load, and shows what is new.
func (v *view) update(ctx context.Context) {
	v.now.at = time.Since(v.begin)
	v.turnLoad()
	v.count(ctx)
	v.now.explained, v.now.err = v.explain(ctx)
	if ctx.Err() != nil {
		return
	}
	for _, e := range v.drain() {
		v.show(e)
	}
	v.now.replicas = v.workers.Replicas()
	for _, note := range v.story.seen(v.now) {
		v.screen.note(styleGreen, v.now.at, note)
	}
	if second := v.now.at.Truncate(time.Second); second > v.row {
		v.screen.keep(v.now)
		v.row = second
		return
	}
	v.screen.draw(v.now)
}

// turnLoad sets the rate of the phase that it is time for.
func (v *view) turnLoad() {
	p := at(v.load, v.now.at, v.duration)
	if p == v.phase {
		return
	}
	v.phase = p
	v.producer.rate.Store(int64(p.rate))
	text := fmt.Sprintf("load: %s", p.name)
	if p.rate > 0 {
		text = fmt.Sprintf("%s, %.0f records/s", text, p.rate)
	}
	v.screen.note(styleYellow, v.now.at, text)
}

// count takes the figures that do not come from the scaler.
func (v *view) count(ctx context.Context) {
	if t := v.producer.first.Load(); t != nil {
		v.story.first = t.Sub(v.begin)
	}
	if t := v.workers.first.Load(); t != nil {
		v.story.working = t.Sub(v.begin)
	}
	if passed := v.now.at - v.countedAt; passed >= time.Second {
		acked := v.producer.acked.Load()
		v.now.produced = float64(acked-v.counted) / passed.Seconds()
		v.counted, v.countedAt = acked, v.now.at
	}
	if members, err := v.kafka.members(ctx); err == nil {
		v.now.members = members
	}
}

// show tells of an evaluation that moved something.
func (v *view) show(e kedaloop.Event) {
	at := e.At.Sub(v.begin)
	switch {
	case e.Actor == kedaloop.ActorHPA:
		v.now.hpa = e
	case e.Actor == kedaloop.ActorPoll || e.Active:
		v.now.keda = e // a pushed inactive says nothing
	}
	notes := v.story.moved(at, e)
	if e.From != e.To {
		v.screen.note(styleBold, at, fmt.Sprintf("%s: replicas %d -> %d: %s", e.Actor, e.From, e.To, e.Reason))
	}
	for _, note := range notes {
		v.screen.note(styleGreen, at, note)
	}
}
