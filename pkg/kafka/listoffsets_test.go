package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// drawParts are partitions of up to five topics, and of so many at least.
func drawParts(t *rapid.T, least int) []lag.TopicPartitions {
	parts := []lag.TopicPartitions{}
	for n := range rapid.IntRange(least, 5).Draw(t, "topics") {
		ids := rapid.SliceOfNDistinct(rapid.Int32Range(0, 9), 1, 8, rapid.ID).Draw(t, "partitions")
		slices.Sort(ids)
		parts = append(parts, lag.TopicPartitions{Topic: fmt.Sprintf("topic%d", n), Partitions: ids})
	}
	return parts
}

// drawOffsets is a response that may lack what was asked for, and hold what was not.
func drawOffsets(t *rapid.T, version int16) *kmsg.ListOffsetsResponse {
	resp := kmsg.NewPtrListOffsetsResponse()
	resp.SetVersion(version)
	for range rapid.IntRange(0, 7).Draw(t, "answered topics") {
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = drawName(t, "topic")
		for range rapid.IntRange(0, 9).Draw(t, "answered partitions") {
			p := kmsg.NewListOffsetsResponseTopicPartition()
			p.Partition = rapid.Int32Range(0, 9).Draw(t, "partition")
			p.Offset = rapid.Int64Range(-1, 3).Draw(t, "offset")
			p.ErrorCode = rapid.SampledFrom([]int16{0, 0, 0, wire.NotLeaderOrFollower}).Draw(t, "error")
			p.Timestamp = rapid.Int64Range(-1, 3).Draw(t, "timestamp")
			p.LeaderEpoch = rapid.Int32Range(-2, 3).Draw(t, "leader epoch")
			if version >= 6 {
				p.UnknownTags.Set(7, []byte("tag"))
			}
			topic.Partitions = append(topic.Partitions, p)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

// knownEpoch is that of every leader.
const knownEpoch = 1

func batchOf(parts []lag.TopicPartitions) portion[lag.TopicPartitions] {
	epochs := make([]int32, count(parts))
	for i := range epochs {
		epochs[i] = knownEpoch
	}
	return portion[lag.TopicPartitions]{items: parts, epochs: epochs}
}

// told is what an answer says about each partition that was asked for: the first that it says.
func told(parts []lag.TopicPartitions, resp *kmsg.ListOffsetsResponse, byTime bool) map[string]string {
	version := resp.GetVersion()
	all := map[string]string{}
	for _, p := range parts {
		for _, id := range p.Partitions {
			all[fmt.Sprint(p.Topic, id)] = "nothing"
		}
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			key := fmt.Sprint(t.Topic, p.Partition)
			if all[key] != "nothing" {
				continue
			}
			switch {
			case p.ErrorCode != 0:
				all[key] = fmt.Sprint(wire.Code(p.ErrorCode))
			case p.Offset < 0 && !byTime:
				all[key] = errNoOffset.Error()
			case version < 4 || byTime || p.LeaderEpoch < 0:
				all[key] = fmt.Sprint(p.Offset, p.Timestamp, lag.NoLeaderEpoch)
			case p.LeaderEpoch < knownEpoch:
				all[key] = staleLeader{p.LeaderEpoch, knownEpoch}.Error()
			default:
				all[key] = fmt.Sprint(p.Offset, p.Timestamp, p.LeaderEpoch)
			}
		}
	}
	return all
}

func TestListOffsetsIsReadAsItComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := drawParts(t, 0)
		version := rapid.Int16Range(listOffsetsVersions.Min, listOffsetsVersions.Max).Draw(t, "version")
		resp := drawOffsets(t, version)
		var read offsetsQuestion
		if rapid.Bool().Draw(t, "by time") {
			read.times = map[lag.TopicPartition]int64{}
		}
		newRead := func(all map[string]string) *listOffsets {
			f := newListOffsets(read.request(batchOf(parts)), parts, pace.New().Of(t.Context()), func(some []lag.LogOffset) {
				for _, o := range some {
					all[fmt.Sprint(o.Topic, o.Partition)] = fmt.Sprint(o.Offset, o.Timestamp, o.LeaderEpoch)
				}
			}, func(tp lag.TopicPartition, why error) { all[fmt.Sprint(tp.Topic, tp.Partition)] = why.Error() })
			f.SetVersion(version)
			return f
		}
		var header []byte
		if version >= 6 {
			header = []byte{0} // tags
		}
		body := resp.AppendTo(header)
		got := map[string]string{}
		f := newRead(got)
		if err := f.ReadResponse(iotest.HalfReader(bytes.NewReader(body))); err != nil {
			t.Fatal(err)
		}
		for _, p := range f.unanswered() {
			for _, id := range p.Partitions {
				got[fmt.Sprint(p.Topic, id)] = "nothing"
			}
		}
		if diff := cmp.Diff(told(parts, resp, read.times != nil), got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		cut := body[:rapid.IntRange(0, len(body)-1).Draw(t, "cut")]
		if err := newRead(map[string]string{}).ReadResponse(bytes.NewReader(cut)); err == nil {
			t.Errorf("%d of %d bytes pass for a whole answer", len(cut), len(body))
		}
	})
}

// A connection that breaks within an answer leaves the rest to be asked again, and nothing else.
func TestListOffsetsCutShort(t *testing.T) {
	parts := []lag.TopicPartitions{{Topic: "t0", Partitions: []int32{0, 1}}, {Topic: "t1", Partitions: []int32{0}}}
	body := []byte{
		0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 't', '0', 0, 0, 0, 1,
		0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 2,
	}
	f := newListOffsets(offsetsQuestion{}.request(batchOf(parts)), parts, pace.New().Of(t.Context()), func(some []lag.LogOffset) {
		if len(some) != 1 || some[0].Offset != 7 {
			t.Errorf("got %v", some)
		}
	}, func(lag.TopicPartition, error) {})
	f.SetVersion(2)
	broken := errors.New("the connection is gone")
	if err := f.ReadResponse(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if err := f.ReadResponse(bytes.NewReader(body)); err == nil {
		t.Error("half an answer is none")
	}
	if got := fmt.Sprint(f.unanswered()); got != "[{t0 [0]} {t1 [0]}]" {
		t.Errorf("%s are left", got)
	}
}
