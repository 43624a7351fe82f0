package main

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Bounds of the log, in each window of time: whoever may write a ScaledObject can have a line written for each.
const (
	logWindow = time.Minute
	// logLines bounds all lines, and logLinesOfObject those with the same words about one namespace or cluster. The
	// first line with the same words is always written.
	logLines         = 200
	logLinesOfObject = 20
)

// limitedCore writes so many lines a window, and says how many it has left out.
type limitedCore struct {
	zapcore.Core
	limit *logLimit
	// about is the namespace or cluster that the fields given so far name.
	about string
}

// limited puts limits on a logger's core.
func limited(core zapcore.Core, now func() time.Time) (zapcore.Core, *logLimit) {
	l := &logLimit{out: core, now: now}
	l.begin(now())
	return &limitedCore{Core: core, limit: l}, l
}

// With implements zapcore.Core.
func (c *limitedCore) With(fields []zapcore.Field) zapcore.Core {
	return &limitedCore{Core: c.Core.With(fields), limit: c.limit, about: objectOf(c.about, fields)}
}

// Check implements zapcore.Core.
func (c *limitedCore) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return to.AddCore(e, c)
	}
	return to
}

// Write implements zapcore.Core.
func (c *limitedCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if !c.limit.admits(e, objectOf(c.about, fields)) {
		return nil
	}
	return c.Core.Write(e, fields)
}

// objectOf returns what lines are counted by, beside their words. A namespace says more than a cluster.
func objectOf(known string, fields []zapcore.Field) string {
	for _, f := range fields {
		if f.Type == zapcore.StringType && (f.Key == "namespace" || f.Key == "cluster" && known == "") {
			known = f.String
		}
	}
	return known
}

// logLimit counts the lines of a window. It is shared by all cores made of one.
type logLimit struct {
	out zapcore.Core
	now func() time.Time

	mu sync.Mutex
	// ends is when the window is over.
	ends    time.Time
	written int
	// of counts the lines of each sort: at most as many sorts as there are lines, and words in the code.
	of map[sortOfLine]int
	// dropped are those left out, by their words.
	dropped map[sortOfLine]int
}

// sortOfLine is a line's words, and what it is about; the latter is empty for all with those words.
type sortOfLine struct {
	level zapcore.Level
	words string
	about string
}

// begin begins a window. The caller holds mu, or is the only one.
func (l *logLimit) begin(now time.Time) {
	l.ends, l.written = now.Add(logWindow), 0
	l.of, l.dropped = map[sortOfLine]int{}, map[sortOfLine]int{}
}

// admits counts a line, and reports whether it is to be written.
func (l *logLimit) admits(e zapcore.Entry, about string) bool {
	l.tell(l.now())
	l.mu.Lock()
	defer l.mu.Unlock()
	words := sortOfLine{level: e.Level, words: e.Message}
	line := words
	line.about = about
	if l.of[words] > 0 && (l.written >= logLines || l.of[line] >= logLinesOfObject) {
		l.dropped[words]++
		return false
	}
	l.written++
	l.of[line]++
	if line != words {
		l.of[words]++
	}
	return true
}

// tell says what a window that is over has left out, and begins the next one.
func (l *logLimit) tell(now time.Time) {
	l.mu.Lock()
	var dropped map[sortOfLine]int
	if !now.Before(l.ends) {
		dropped = l.dropped
		l.begin(now)
	}
	l.mu.Unlock()
	l.say(dropped)
}

// close says what the last window has left out.
func (l *logLimit) close() { l.tell(l.now().Add(logWindow)) }

func (l *logLimit) say(dropped map[sortOfLine]int) {
	for line, n := range dropped {
		// Where even that cannot be written, there is nobody to tell.
		_ = l.out.Write(zapcore.Entry{Level: line.level, Time: l.now(), Message: "log lines were left out: more than one minute takes"},
			[]zapcore.Field{zap.String("line", line.words), zap.Int("count", n)})
	}
}

// run says what was left out even if nothing else is written, until ctx ends.
func (l *logLimit) run(ctx context.Context) error {
	defer l.close()
	tick := time.NewTicker(logWindow)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			l.tell(l.now())
		}
	}
}
