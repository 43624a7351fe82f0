package kafka

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// drawMetadata is a response that may name topics twice, or others than were asked for.
func drawMetadata(t *rapid.T, version int16) *kmsg.MetadataResponse {
	resp := kmsg.NewPtrMetadataResponse()
	resp.SetVersion(version)
	resp.ClusterID = new("cluster")
	for i := range rapid.IntRange(0, 3).Draw(t, "brokers") {
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack = int32(i), fmt.Sprintf("host%d", i), 9092, new("rack")
		resp.Brokers = append(resp.Brokers, b)
	}
	for range rapid.IntRange(0, 7).Draw(t, "answered topics") {
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic = new(drawName(t, "topic"))
		topic.TopicID[3] = rapid.Byte().Draw(t, "id")
		topic.IsInternal = rapid.Bool().Draw(t, "internal")
		topic.ErrorCode = rapid.SampledFrom([]int16{0, 0, 0, wire.LeaderNotAvailable}).Draw(t, "error of the topic")
		for i := range rapid.IntRange(0, 5).Draw(t, "answered partitions") {
			p := kmsg.NewMetadataResponseTopicPartition()
			p.Partition = int32(rapid.SampledFrom([]int{i, i, i, i, i + 1}).Draw(t, "partition"))
			p.ErrorCode = rapid.SampledFrom([]int16{0, 0, wire.ListenerNotFound}).Draw(t, "error")
			p.Leader = rapid.Int32Range(-1, 3).Draw(t, "leader")
			p.LeaderEpoch = rapid.Int32Range(-2, 3).Draw(t, "leader epoch")
			p.Replicas, p.ISR, p.OfflineReplicas = []int32{1, 2, 3}, []int32{1}, []int32{2, 3}
			p.UnknownTags.Set(7, []byte("tag"))
			topic.Partitions = append(topic.Partitions, p)
		}
		topic.Partitions = rapid.Permutation(topic.Partitions).Draw(t, "order")
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

// meant is the answer by the plain rules.
func meant(names []string, resp *kmsg.MetadataResponse) (lines []string) {
	seen := map[string]bool{}
	for _, b := range resp.Brokers {
		lines = append(lines, fmt.Sprint(b.NodeID, " ", net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))))
	}
	for _, topic := range resp.Topics {
		name := *topic.Topic
		if seen[name] || names != nil && !slices.Contains(names, name) {
			continue
		}
		seen[name] = true
		if resp.Version < 10 {
			topic.TopicID = [16]byte{}
		}
		line := fmt.Sprint(name, " ", topic.TopicID, " ", topic.IsInternal)
		slices.SortFunc(topic.Partitions, func(a, b kmsg.MetadataResponseTopicPartition) int { return cmp.Compare(a.Partition, b.Partition) })
		sparse := false
		for i, p := range topic.Partitions {
			sparse = sparse || int(p.Partition) != i
		}
		switch {
		case topic.ErrorCode != 0:
			line += wire.Code(topic.ErrorCode).Error()
		case sparse:
			line += "sparse"
		default:
			for _, p := range topic.Partitions {
				if p.LeaderEpoch < 0 || resp.Version < reliableEpochs {
					p.LeaderEpoch = lag.NoLeaderEpoch
				}
				line += fmt.Sprint("; ", p.Partition, " ", p.Leader, " ", p.LeaderEpoch, " ", p.ErrorCode)
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func read(answer *metadataAnswer) (lines []string) {
	for node, addr := range answer.brokers {
		lines = append(lines, fmt.Sprint(node, " ", addr))
	}
	for _, topic := range answer.topics {
		line := fmt.Sprint(topic.name, " ", topic.id, " ", topic.internal)
		if _, sparse := errors.AsType[*sparsePartitions](topic.err); sparse {
			line += "sparse"
		} else if topic.err != nil {
			line += topic.err.Error()
		}
		for _, l := range topic.leaders {
			line += fmt.Sprint("; ", l.partition, " ", l.node, " ", l.epoch, " ", l.code)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func metadataBody(resp *kmsg.MetadataResponse) []byte {
	if resp.IsFlexible() {
		return resp.AppendTo([]byte{0}) // the tags of the header
	}
	return resp.AppendTo(nil)
}

func TestMetadataIsReadAsItComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.Int16Range(metadataVersions.Min, metadataVersions.Max).Draw(t, "version")
		resp := drawMetadata(t, version)
		names := rapid.SampledFrom([][]string{nil, {}, {"topic0"}, {"topic0", "topic1", "topic2"}}).Draw(t, "names")
		body := metadataBody(resp)
		query := newMetadataQuery(names, pace.New().Of(t.Context()))
		query.SetVersion(version)
		if err := query.ReadResponse(iotest.HalfReader(bytes.NewReader(body))); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(meant(names, resp), read(&query.answer)); diff != "" {
			t.Errorf("v%d -want +got:\n%s", version, diff)
		}
		if query.answer.clusterID != "cluster" {
			t.Errorf("cluster id %q", query.answer.clusterID)
		}
		cut := body[:rapid.IntRange(0, len(body)-1).Draw(t, "cut")]
		query = newMetadataQuery(names, pace.New().Of(t.Context()))
		query.SetVersion(version)
		if err := query.ReadResponse(bytes.NewReader(cut)); err == nil {
			t.Errorf("v%d: %d of %d bytes pass for a whole answer", version, len(cut), len(body))
		}
	})
}

// listing is the answer to a query for topic "t" that lists these partitions.
func listing(t *testing.T, ids ...int32) topicAnswer {
	t.Helper()
	resp := kmsg.NewPtrMetadataResponse()
	resp.SetVersion(12)
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic = new("t")
	for _, id := range ids {
		p := kmsg.NewMetadataResponseTopicPartition()
		p.Partition = id
		topic.Partitions = append(topic.Partitions, p)
	}
	resp.Topics = append(resp.Topics, topic)
	query := newMetadataQuery([]string{"t"}, pace.New().Of(t.Context()))
	query.SetVersion(12)
	if err := query.ReadResponse(bytes.NewReader(metadataBody(resp))); err != nil || len(query.answer.topics) != 1 {
		t.Fatal(query.answer, err)
	}
	return query.answer.topics[0]
}

// A number of a partition is never taken for the size of something.
func TestPartitionsAreNumberedFromZeroOn(t *testing.T) {
	for name, test := range map[string]struct {
		ids  []int32
		says string // empty: no error
	}{
		"as brokers send them": {[]int32{0, 1, 2}, ""},
		"in another order":     {[]int32{2, 0, 1}, ""},
		"none":                 {nil, ""},
		"far beyond":           {[]int32{1048576}, "partition 1048576 among 1 partition;"},
		"one beyond":           {[]int32{0, 1, 3}, "partition 3 among 3 partitions"},
		"negative":             {[]int32{-1, 0}, "partition -1 among 2 partitions"},
		"twice":                {[]int32{0, 1, 1}, "partition 1 among 3 partitions"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := listing(t, test.ids...)
			topic := described("t", &answer)
			if test.says == "" {
				if topic.Err != nil || len(topic.Partitions) != len(test.ids) || !ascending(topic.Partitions) {
					t.Errorf("got %+v", topic)
				}
				return
			}
			if topic.Err == nil || fault.KindOf(topic.Err) != fault.Unavailable || !strings.Contains(topic.Err.Error(), test.says) || topic.Partitions != nil {
				t.Errorf("got %+v", topic)
			}
			var r routes
			r.init()
			r.update(&metadataAnswer{topics: []topicAnswer{answer}}, time.Now())
			if route := r.topic("t", time.Now()); route.err == nil || route.leaders != nil {
				t.Errorf("route %+v", route)
			}
		})
	}
}

// tooMuch are answers of version 12 that name one more of something than is taken.
func tooMuch() map[string][]byte {
	name := func(i int) []byte { n := strconv.Itoa(i); return append([]byte{byte(len(n) + 1)}, n...) }
	many := func(n int, one func(int) []byte) (all []byte) {
		for i := range n {
			all = append(all, one(i)...)
		}
		return all
	}
	topic := func(i, partitions int) []byte {
		const each = 18 // error, number, leader, epoch, no replicas, no tags
		partition := append(make([]byte, each-4), 1, 1, 1, 0)
		count := binary.AppendUvarint(nil, uint64(partitions)+1)
		return slices.Concat([]byte{0, 0}, name(i), make([]byte, 17), count, bytes.Repeat(partition, partitions), make([]byte, 5))
	}
	broker := func(i int, host []byte) []byte {
		length := binary.AppendUvarint(nil, uint64(len(host))+1)
		return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(i)), length, host, []byte{0, 0, 0, 1, 0, 0}) // port, rack, tags
	}
	head := func(brokers int, list []byte, topics int) []byte {
		head := slices.Concat(make([]byte, 5), binary.AppendUvarint(nil, uint64(brokers)+1), list, make([]byte, 5))
		return binary.AppendUvarint(head, uint64(topics)+1)
	}
	inTenths := func(i int) []byte { return topic(i, maxPartitions/10) }
	return map[string][]byte{
		"10000 brokers":                   head(maxBrokers+1, many(maxBrokers+1, func(i int) []byte { return broker(i, []byte("kafka")) }), 0),
		"255 bytes in the name of a host": head(1, broker(1, bytes.Repeat([]byte("x"), maxHost+1)), 0),
		"100000 topics":                   append(head(0, nil, maxTopics+1), many(maxTopics+1, func(i int) []byte { return topic(i, 0) })...),
		"100000 partitions of a topic":    append(head(0, nil, 1), topic(0, maxTopicPartitions+1)...),
		"1000000 partitions":              slices.Concat(head(0, nil, 11), many(10, inTenths), topic(10, 1)),
	}
}

func TestMetadataOfTooMuchIsRefused(t *testing.T) {
	for what, body := range tooMuch() {
		query := newMetadataQuery(nil, pace.New().Of(t.Context()))
		query.SetVersion(12)
		err := query.ReadResponse(bytes.NewReader(append(body, 0)))
		if _, large := errors.AsType[*wire.TooLargeError](err); !large || err.Error() != "the broker's answer has more than "+what {
			t.Errorf("%s: %v", what, err)
		}
		if kind, remedy := diagnose(err); kind != fault.Unavailable || remedy == "" {
			t.Errorf("%s: kind %v, remedy %q", what, kind, remedy)
		}
		// What is announced is enough to refuse it: reading a hundred thousand topics first costs as much as taking them.
		if topics, brokers := len(query.answer.topics), len(query.answer.brokers); topics > 10 || brokers > 1 {
			t.Errorf("%s: %d topics and %d brokers were read before", what, topics, brokers)
		}
	}
}

// FuzzMetadata reads what a broker, or something else on its port, may send.
func FuzzMetadata(f *testing.F) {
	resp := kmsg.NewPtrMetadataResponse()
	resp.Topics = []kmsg.MetadataResponseTopic{{Topic: new("t"), Partitions: make([]kmsg.MetadataResponseTopicPartition, 2)}}
	resp.Brokers = make([]kmsg.MetadataResponseBroker, 1)
	for version := metadataVersions.Min; version <= metadataVersions.Max; version++ {
		resp.SetVersion(version)
		f.Add(uint8(version-metadataVersions.Min), metadataBody(resp))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		for _, names := range [][]string{nil, {"t"}} {
			query := newMetadataQuery(names, pace.New().Of(t.Context()))
			query.SetVersion(metadataVersions.Min + int16(which)%(metadataVersions.Max-metadataVersions.Min+1))
			_ = query.ReadResponse(bytes.NewReader(body))
			for _, topic := range query.answer.topics {
				if len(topic.leaders) > len(body) || topic.err != nil && topic.leaders != nil {
					t.Errorf("%+v of %d bytes", topic, len(body))
				}
				for i, l := range topic.leaders {
					if int(l.partition) != i || l.epoch < lag.NoLeaderEpoch {
						t.Errorf("%+v at %d", l, i)
					}
				}
			}
		}
	})
}
