package scaledobject

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

const (
	// pinFor is how long GetMetrics' decision waits for the IsActive of the same evaluation. KEDA makes the
	// two calls one after the other.
	pinFor = time.Second
	// keepFor is how long a decision stands for an unchanged snapshot. Time alone changes one too: offsets
	// grow too old, and lag becomes persistent.
	keepFor = time.Second
	// maxRoom is the largest report, in partitions, whose memory is used again.
	maxRoom = 1000
)

// Evaluator decides about triggers that have no error. What it decides is kept with the [Entry].
type Evaluator struct {
	clusters Clusters
	contain  Contain
	// rooms are those of reports that nobody needs any more, *[]lag.Partition.
	rooms sync.Pool
	// deciding is the turn of streams that decide.
	deciding *pace.Turn
}

// NewEvaluator returns an evaluator that asks these clusters.
func NewEvaluator(clusters Clusters, contain Contain) *Evaluator {
	return &Evaluator{clusters: clusters, contain: contain, deciding: pace.New()}
}

// Measure is GetMetrics' part of a KEDA evaluation: it pins the decision for the Activity
// that follows, and is the only one to advance the memory of KEDA's persistent lag. The
// error says why there is no value.
func (v *Evaluator) Measure(ctx context.Context, e *Entry) (*Evaluation, error) {
	read, err := v.read(ctx, e, Snapshots.Snapshot)
	if err != nil {
		return nil, e.undecided(err)
	}
	ev := v.measure(e, read)
	return ev, ev.Decision.Err
}

// Activity is IsActive's part of a KEDA evaluation. It takes the decision that Measure
// pinned, once, or else that of the present snapshot. The error says why nobody can tell
// whether the workload should run: lag that is known is enough for true, whatever else is
// not.
func (v *Evaluator) Activity(ctx context.Context, e *Entry) (*Evaluation, error) {
	cluster, err := v.resolve(e)
	if err != nil {
		return nil, e.undecided(err)
	}
	ev := e.takePinned(cluster)
	if ev == nil {
		read, err := v.readFrom(ctx, cluster, e, Snapshots.Snapshot)
		if err != nil {
			return nil, e.undecided(err)
		}
		ev = v.current(e, read)
	}
	if _, known := ev.Active(); !known {
		return nil, ev.Decision.Err
	}
	return ev, nil
}

// Preview is what the next Measure would give, with all that it is made from.
type Preview struct {
	*Evaluation
	// Reports are one a consumer group, in the trigger's order, with what is known of the group itself.
	Reports []lag.Report
	// Now is when it was asked for.
	Now time.Time
}

// Preview pins nothing, remembers nothing, and tells no observer. A trigger that KEDA
// never asked about is read for this one answer. The error is that of a trigger of which
// nothing at all is known; otherwise see Decision.Err.
func (v *Evaluator) Preview(ctx context.Context, e *Entry) (*Preview, error) {
	read, err := v.read(ctx, e, Snapshots.Peek)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	ev, reports := e.preview(read, now)
	v.viewGroups(ctx, e, reports)
	return &Preview{ev, reports, now}, nil
}

// ClusterName is the name of the cluster that is read. A trigger that gives the
// addresses of a configured cluster reads that one, and is to see so.
func (v *Evaluator) ClusterName(e *Entry) string {
	if snapshots, err := v.resolve(e); err == nil {
		if named, ok := snapshots.(interface{ Name() string }); ok {
			return named.Name()
		}
	}
	return connectionName(e.trigger.Connection)
}

func connectionName(c trigger.Connection) string {
	if c.Cluster != "" {
		return c.Cluster
	}
	return strings.Join(c.BootstrapServers, ",")
}

// groupViewer is a cluster that can tell what a group is.
type groupViewer interface {
	Group(ctx context.Context, name string) lag.Group
}

// viewGroups asks what the groups are. Only people want to know, so nobody else asks.
func (v *Evaluator) viewGroups(ctx context.Context, e *Entry, reports []lag.Report) {
	cluster, err := v.resolve(e)
	viewer, able := cluster.(groupViewer)
	if err != nil || !able {
		return
	}
	for i := range reports {
		reports[i].Group = viewer.Group(ctx, reports[i].Group.Name)
	}
}

func (v *Evaluator) measure(e *Entry, r reading) *Evaluation {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.turnTo(r.cluster)
	if e.stateful() {
		var reports []lag.Report
		reports, e.memory = e.reports(r.snapshots, e.memory, now)
		e.decide(r.snapshots, reports, now)
	}
	ev := v.currentLocked(e, r.snapshots, now)
	if ev.Decision.Err == nil {
		e.pinned, e.pinnedUntil = ev, now.Add(pinFor)
	}
	return ev
}

// current returns the decision for the reading, made again only if there is need.
func (v *Evaluator) current(e *Entry, r reading) *Evaluation {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.turnTo(r.cluster)
	return v.currentLocked(e, r.snapshots, time.Now())
}

func (v *Evaluator) currentLocked(e *Entry, snapshots []*collector.Snapshot, now time.Time) *Evaluation {
	if e.last.fresh(snapshots, now) {
		return e.last
	}
	// Nearly all that a decision allocates is a report that nobody looks at afterwards, except for its errors.
	room, _ := v.rooms.Get().(*[]lag.Partition)
	if room == nil {
		room = new([]lag.Partition)
	}
	reports, _ := e.reportsInto(*room, snapshots, e.memory, now)
	ev := e.decide(snapshots, reports, now)
	if parts := reports[0].Partitions; ev.Decision.Err == nil && len(parts) <= maxRoom {
		*room = parts
		v.rooms.Put(room)
	}
	return ev
}

// reading is what a cluster said of a trigger: one snapshot for each consumer group, in the trigger's order.
type reading struct {
	cluster   Snapshots
	snapshots []*collector.Snapshot
}

func (v *Evaluator) resolve(e *Entry) (Snapshots, error) {
	return v.clusters.Resolve(e.ref.Namespace, e.trigger.Connection)
}

// read asks the trigger's cluster about each of its consumer groups.
func (v *Evaluator) read(ctx context.Context, e *Entry, take snapshotFunc) (reading, error) {
	cluster, err := v.resolve(e)
	if err != nil {
		return reading{}, err
	}
	return v.readFrom(ctx, cluster, e, take)
}

func (v *Evaluator) readFrom(ctx context.Context, cluster Snapshots, e *Entry, take snapshotFunc) (reading, error) {
	if len(e.queries) > 1 {
		snapshots, err := v.snapshotsOf(ctx, cluster, e.queries, take)
		return reading{cluster, snapshots}, err
	}
	snapshot, err := take(cluster, ctx, e.queries[0])
	if err != nil {
		return reading{}, err
	}
	return reading{cluster, e.alone(snapshot)}, nil
}
