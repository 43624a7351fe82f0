package collector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector/store"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// whole is a cluster that can do all that a source can.
type whole struct {
	*sleepers
	club  *club
	times *clockwork
}

func (w *whole) GroupView(ctx context.Context, group string) lag.GroupView {
	return w.club.GroupView(ctx, group)
}

func (w *whole) OffsetsForTimes(ctx context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	w.times.OffsetsForTimes(ctx, times, deliver)
}

// TestWrappedSourceLosesNothing: features were found by type assertions, and vanished without a word where somebody
// wrapped the source, to count calls or to add a deadline.
func TestWrappedSourceLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleepers{waitingCluster: newWaitingCluster(1), shown: 100}
		s.topic("orders", 1, 101).commit("billing", "orders", 100).topic("mails", 2, 60).commit("billing", "mails", 20)
		s.logs = newLibrary(0, 0)
		w := &whole{sleepers: s, club: &club{}, times: &clockwork{cluster: s.cluster, begin: time.Now().Add(-100 * time.Second)}}
		w.club.subscribe("orders", "new")
		c := start(t, struct{ Source }{w}, pushed)
		if g := c.Group(t.Context(), "billing"); g.Kind != lag.KindClassic {
			t.Errorf("the group is %+v, want its kind", g)
		}
		if r := lagOf(t, c, inspecting("billing", "orders")); r.Phantom != 1 {
			t.Errorf("phantom lag %d, want 1", r.Phantom)
		}
		q := NewQuery(trigger.Selection{ConsumerGroup: "billing", Topics: []string{"mails"}, Ages: true}, 10*time.Second)
		near(t, "of the oldest mail", ages(t, c, q).Age, 80*time.Second)
		stream := openStream(t, c, inspecting("billing", "orders"), 0)
		pass(store.QuietFor + time.Second)
		produced := time.Now()
		s.produce("orders", 0, 10)
		synctest.Wait()
		if took := stream.wantActive(t, produced); took > time.Millisecond {
			t.Errorf("woken after %v", took)
		}
	})
}
