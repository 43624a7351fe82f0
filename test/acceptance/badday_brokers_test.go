//go:build realkafka

package acceptance

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
)

// maxSnapshotAge is the default of the trigger parameter.
const maxSnapshotAge = 10 * time.Second

// badDay is a topic of one partition, a group that is 7 records behind in it, and a
// product that answers for them.
type badDay struct {
	t       *testing.T
	ctx     context.Context
	product *product
	before  holdings
}

// patient is a topic with its group.
type patient struct{ topic, group string }

// behind is how many records a patient's group is behind at first.
const behind = 7

// restless leaves it to the answers of the brokers, or to their silence, to make the
// product look for new leaders: no regular look at the topics comes to its help.
const restless = `
refresh: {topicsInterval: 1m, requestTimeout: 10s}
inlineBootstrapServers: {allow: ["*"]}
`

// dawn begins a bad day, which ends with every broker back.
func dawn(t *testing.T) *badDay {
	t.Helper()
	heal(t)
	return &badDay{t: t, ctx: scene(t)}
}

// lay makes a patient: its coordinator is one broker, and its partition's replicas
// are on others or the same, on the leader first.
func (d *badDay) lay(topic string, coordinator int32, replicas ...int32) patient {
	d.t.Helper()
	group := topic + "-readers"
	must(d.t, cluster.MoveCoordinator(d.ctx, group, coordinator),
		cluster.CreateTopic(d.ctx, topic, 1, int16(len(replicas)), nil),
		cluster.Reassign(d.ctx, topic, 0, replicas...),
		cluster.Produce(d.ctx, topic, 0, behind+2),
		cluster.Commit(d.ctx, group, topic, map[int32]int64{0: 2}))
	return patient{topic, group}
}

// serve starts the product and polls it about the patients.
func (d *badDay) serve(patients ...patient) []*poller {
	d.t.Helper()
	d.product = serve(d.t, restless)
	pollers := make([]*poller, len(patients))
	for i, p := range patients {
		pollers[i] = poll(d.ctx, d.t, d.product, p.metadata(), behind)
		// Where Kafka itself takes longer to be well than the last known good counts.
		pollers[i].allowError(codes.Unavailable, p.topic+"-0", "maxSnapshotAge")
	}
	d.before = d.product.settled(d.t)
	return pollers
}

// metadata is that of a trigger whose value is the lag itself.
func (p patient) metadata() map[string]string {
	return metadataOn(p.group, p.topic, map[string]string{"lagThreshold": "1000"})
}

// follows waits until the cluster itself is well, writes a record, and wants it
// counted within the recovery time from then on.
func (d *badDay) follows(w *poller, p patient) {
	d.t.Helper()
	persist(d.ctx, endsRead(p.topic))
	_, now := w.allowed()
	w.allow(now, now+1)
	must(d.t, cluster.Produce(d.ctx, p.topic, 0, 1))
	w.reaches(now+1, time.Now())
}

// commitFollows waits until the group's coordinator is well, moves the group on by a
// record, and wants that counted within the recovery time from then on.
func (d *badDay) commitFollows(w *poller, p patient) {
	d.t.Helper()
	now, _ := w.allowed()
	w.allow(now-1, now)
	persist(d.ctx, func(ctx context.Context) error {
		return cluster.Commit(ctx, p.group, p.topic, map[int32]int64{0: 3})
	})
	w.reaches(now-1, time.Now())
}

// dusk ends a bad day: errors are over and nothing is left of it.
func (d *badDay) dusk(pollers ...*poller) {
	d.t.Helper()
	for _, w := range pollers {
		w.forbidErrors()
	}
	must(d.t, cluster.WaitInSync(d.ctx))
	for _, w := range pollers {
		w.end()
	}
	d.product.leavesNothing(d.t, d.before, len(cluster.Brokers()))
}

// holdsUntilStale waits for the error that the poller allows, and fails the test
// where the last known good has not counted for its time before.
func holdsUntilStale(w *poller, cause time.Time) {
	w.t.Helper()
	if after := w.awaitError(codes.Unavailable).at.Sub(cause); after < maxSnapshotAge-3*time.Second {
		w.t.Errorf("unknown after %v: the last known good has to count for %v", after, maxSnapshotAge)
	}
}

func TestAnswersWhenBrokerIsKilled(t *testing.T) {
	d := dawn(t)
	led, coordinated := d.lay("killed", 1, 2, 1, 3), d.lay("orphaned", 2, 1, 3)
	w := d.serve(led, coordinated)
	must(t, cluster.Broker(2).Kill())
	d.follows(w[0], led)
	d.commitFollows(w[1], coordinated)
	must(t, cluster.Broker(2).Restart(d.ctx))
	d.dusk(w...)
}

// TestAnswersWhenBrokerHangs freezes a broker until others have taken over what it
// led and coordinated: the product may not wait for the frozen one meanwhile.
func TestAnswersWhenBrokerHangs(t *testing.T) {
	d := dawn(t)
	led, coordinated := d.lay("hung", 1, 2, 1, 3), d.lay("hung-group", 2, 1, 3)
	w := d.serve(led, coordinated)
	must(t, cluster.Broker(2).Pause())
	d.follows(w[0], led)
	d.commitFollows(w[1], coordinated)
	must(t, cluster.Broker(2).Resume())
	d.dusk(w...)
}

// TestAnswersWhileLeaderIsPaused freezes the only replica of a partition: first for
// less than the last known good counts, then for longer.
func TestAnswersWhileLeaderIsPaused(t *testing.T) {
	d := dawn(t)
	alone := d.lay("frozen", 1, 2)
	w := d.serve(alone)
	must(t, cluster.Broker(2).Pause())
	time.Sleep(5 * time.Second)
	must(t, cluster.Broker(2).Resume())
	d.follows(w[0], alone)

	paused := time.Now()
	must(t, cluster.Broker(2).Pause())
	holdsUntilStale(w[0], paused)
	time.Sleep(time.Until(paused.Add(15 * time.Second)))
	must(t, cluster.Broker(2).Resume())
	d.follows(w[0], alone)
	d.dusk(w...)
}

// TestAnswersThroughRestartAndMoves: a leader that hands over in order costs no answer.
func TestAnswersThroughRestartAndMoves(t *testing.T) {
	d := dawn(t)
	handed := d.lay("handed", 2, 2, 1, 3)
	w := d.serve(handed)
	w[0].forbidErrors()
	must(t, cluster.Broker(2).Restart(d.ctx))
	d.follows(w[0], handed)
	must(t, cluster.WaitInSync(d.ctx), cluster.MoveLeader(d.ctx, handed.topic, 0, 2))
	d.follows(w[0], handed)
	must(t, cluster.Reassign(d.ctx, handed.topic, 0, 3))
	d.follows(w[0], handed)
	d.dusk(w...)
}

// TestAnswersWhileEveryBrokerIsPaused asks for a trigger that is known, and for one
// that is new in the middle of it.
func TestAnswersWhileEveryBrokerIsPaused(t *testing.T) {
	d := dawn(t)
	known, unknown := d.lay("stopped", 1, 2, 1, 3), d.lay("stopped-unknown", 2, 3, 1, 2)
	w := d.serve(known)
	paused := time.Now()
	for _, b := range cluster.Brokers() {
		must(t, b.Pause())
	}
	newcomer := pollAnything(d.ctx, t, d.product, unknown.metadata(), behind)
	newcomer.allowError(codes.Unavailable)
	holdsUntilStale(w[0], paused)
	time.Sleep(time.Until(paused.Add(12 * time.Second)))
	for _, b := range cluster.Brokers() {
		must(t, b.Resume())
	}
	d.follows(w[0], known)
	d.follows(newcomer, unknown)
	d.dusk(w[0], newcomer)
}
