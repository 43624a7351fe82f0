package measure

import (
	"context"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/procfs"

	"github.com/kafka-scaler/kafka-scaler/bench/rival"
	"github.com/kafka-scaler/kafka-scaler/bench/scene"
)

// Own is the name of the device under test beside those of the rivals.
const Own = "kafka-scaler"

// Axes of growth.
const (
	ByTriggers   = "triggers"
	ByPartitions = "partitions"
	ByBrokers    = "brokers"
)

// Point is what one round of fresh numbers for all triggers costs one contender at
// one size: a refresh of the scaler, an evaluation of all triggers by KEDA's own.
type Point struct {
	Who     string     `json:"who"`
	Axis    string     `json:"axis"`
	X       int        `json:"x"`
	Cluster string     `json:"cluster"`
	Size    scene.Size `json:"size"`
	// Triggers is how many there are.
	Triggers int `json:"triggers"`
	// CPUMS and WallMS are milliseconds a round.
	CPUMS  float64 `json:"cpuMS"`
	WallMS float64 `json:"wallMS"`
	// Requests is how many requests a round takes, or -1 where nobody could count them.
	Requests    float64 `json:"requests"`
	Connections int     `json:"connections"`
	RSS         int64   `json:"rss"`
	// Stopped says why the contender did not get so far; the figures are then those until it stopped.
	Stopped     string  `json:"stopped,omitempty"`
	Errors      int     `json:"errors,omitempty"`
	LoadAverage float64 `json:"loadAverage"`
}

// OwnPoint is the scaler's point from what the quiet cost.
func (t *Trial) OwnPoint(axis string, x int, c Cost) Point {
	p := Point{
		Who: Own, Axis: axis, X: x, Cluster: t.cluster.Kind, Size: t.cluster.Size, Triggers: len(t.objects),
		CPUMS: ms(c.CPUPerRefresh()), WallMS: ms(c.RefreshWall), Requests: c.RequestsPerRefresh(),
		Connections: c.Connections, RSS: c.RSS, LoadAverage: c.LoadAverage,
	}
	if t.Filled.Unfilled > 0 {
		p.Stopped = "not all triggers had a value"
	}
	return p
}

// Rival lets one of KEDA's scalers do the work of so many triggers.
func (l *Lab) Rival(ctx context.Context, who string, cluster *scene.Cluster, axis string, x, triggers int, limit time.Duration) Point {
	if cluster.Fake != nil {
		cluster.Fake.Requests()
	}
	const rounds = 2
	r, err := rival.Job{Scaler: who, Cluster: cluster, Triggers: triggers, Rounds: rounds, Limit: limit}.Run(ctx, l.Rivals)
	last := r.Last()
	p := Point{
		Who: who, Axis: axis, X: x, Cluster: cluster.Kind, Size: cluster.Size, Triggers: triggers,
		CPUMS: last.CPUMS, WallMS: last.WallMS, Requests: -1, Connections: last.Connections, RSS: last.RSS,
		Stopped: r.Stopped, Errors: last.Errors, LoadAverage: procfs.LoadAverage(),
	}
	if err != nil {
		p.Stopped = err.Error()
	}
	if cluster.Fake != nil && len(r.Rounds) > 0 {
		requests := 0
		for _, n := range cluster.Fake.Requests() {
			requests += n
		}
		// What it took to make the triggers is among them, and not told apart.
		p.Requests = float64(requests) / float64(len(r.Rounds))
	}
	return p
}

// Alone is the scaler's point on a cluster, from a trial that only asks once.
func (l *Lab) Alone(ctx context.Context, cluster *scene.Cluster, axis string, x, triggers int) (Point, error) {
	t, err := l.Begin(ctx, cluster, triggers, time.Second)
	if err != nil {
		return Point{}, err
	}
	defer t.End()
	c, err := t.Quiet(ctx)
	return t.OwnPoint(axis, x, c), err
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
