package store

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

var orders0 = lag.TopicPartition{Topic: "orders"}

// TestNoStaleLeaderMakesLagDisappear: whatever commits, ends and descriptions say in whatever order, what is shown never
// pairs a commit with an end of an older leader, unless it is told that the commit is of an earlier log.
func TestNoStaleLeaderMakesLagDisappear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topic := &Topic{name: "orders"}
		gt := &GroupTopic{topic: topic, isolation: lag.End, users: 1, group: &Group{}}
		id := [16]byte{1}
		now := Stamp(1)
		describe := func(epoch int32) {
			now++
			topic.describe(lag.Topic{Name: "orders", ID: id, Partitions: []int32{0}, LeaderEpochs: []int32{epoch}}, now, now)
		}
		describe(rapid.Int32Range(0, 3).Draw(t, "epoch"))
		for range 40 {
			now++
			topic.logs[lag.End].fit(topic.ids)
			gt.fit()
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				describe(rapid.Int32Range(-1, 3).Draw(t, "epoch"))
			case 1:
				cm := lag.Commit{TopicPartition: orders0, Offset: rapid.Int64Range(0, 5).Draw(t, "offset"), LeaderEpoch: rapid.Int32Range(-1, 3).Draw(t, "epoch")}
				now++
				gt.take(&cm, now-1, now)
			default:
				topic.logs[lag.End].claim(topic.ids, now)
				topic.take(lag.LogOffset{
					TopicPartition: orders0, Offset: rapid.Int64Range(0, 5).Draw(t, "end"), LeaderEpoch: rapid.Int32Range(-1, 3).Draw(t, "epoch"),
				}, lag.End, now)
			}
			gt.parts[0].judge(&topic.epochs, 0)
			end := topic.logs[lag.End].at(0)
			if gt.parts[0].ahead(end) {
				topic.epochs.suspect(0, end.epoch, end.asked)
			}
			shown := gt.parts[0].fitting(end)
			if shown.read != 0 && !shown.earlier && end.epoch >= 0 && shown.epoch > end.epoch {
				t.Fatalf("commit %+v is compared with end %+v", shown, end)
			}
		}
		// Whatever there was, two descriptions that name no newer leader let the answers count again.
		for range 4 {
			now++
			topic.logs[lag.End].claim(topic.ids, now)
			topic.take(lag.LogOffset{TopicPartition: orders0, Offset: 9, LeaderEpoch: 0}, lag.End, now)
			if end := topic.logs[lag.End].at(0); gt.parts[0].ahead(end) {
				topic.epochs.suspect(0, end.epoch, end.asked)
			}
			describe(0)
			gt.parts[0].judge(&topic.epochs, 0)
		}
		if end := topic.logs[lag.End].at(0); end.offset != 9 || gt.parts[0].ahead(end) {
			t.Fatalf("stuck: end %+v, commits %+v, %+v", end, gt.parts[0], topic.epochs)
		}
	})
}
