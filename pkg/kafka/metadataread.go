package kafka

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

var _ transport.Streamed = (*metadataQuery)(nil)

// Bounds of one metadata answer. Kafka's own are lower: some 200,000 partitions of
// a cluster with ZooKeeper, and two million tried with KRaft, in all its topics.
const (
	maxBrokers    = 10_000
	maxHost       = 255 // bytes: DNS has no longer names
	maxTopics     = 100_000
	maxPartitions = 1_000_000
	// maxTopicPartitions are those of one topic.
	maxTopicPartitions = 100_000
)

// reliableEpochs is the first version of Metadata whose leader epochs can be relied
// on: brokers before 2.4 may name an old one for as long as a reassignment lasts
// (KAFKA-9212), and refuse whoever sends it back.
const reliableEpochs = 9

// metadataAnswer is what is kept of an answer to Metadata.
type metadataAnswer struct {
	brokers   map[int32]string // node to address
	clusterID string
	topics    []topicAnswer
}

// topicAnswer is one topic of an answer.
type topicAnswer struct {
	name     string
	id       [16]byte
	internal bool
	leaders  []leader // by partition
	// err is why there are no leaders: a wire.Code, or a *sparsePartitions.
	err error
}

// sparsePartitions is a topic whose partitions are not numbered from 0 on. Kafka
// numbers them so, and lists those without a leader too. A number is never taken
// for a size on a broker's word.
type sparsePartitions struct {
	partition int32
	listed    int
}

func (e *sparsePartitions) Error() string {
	return fmt.Sprintf("the broker lists partition %d among %s", e.partition, fault.Count(e.listed, "partition"))
}

// metadataQuery is a Metadata request whose response is turned into an answer as it comes.
type metadataQuery struct {
	*kmsg.MetadataRequest
	turn *pace.Worker
	// all means that no topic was named; names are those that were and are not answered yet, or those that are.
	all    bool
	names  map[string]struct{}
	answer metadataAnswer
	// partitions counts those of all topics.
	partitions int
}

// newMetadataQuery asks for topics by name, for all of them (nil), or for none.
func newMetadataQuery(names []string, turn *pace.Worker) *metadataQuery {
	q := &metadataQuery{MetadataRequest: kmsg.NewPtrMetadataRequest(), turn: turn, all: names == nil, names: make(map[string]struct{}, len(names))}
	q.AllowAutoTopicCreation = false
	if q.all {
		return q // null: all topics
	}
	q.Topics = make([]kmsg.MetadataRequestTopic, len(names))
	for i := range names {
		q.Topics[i].Topic = &names[i]
		q.names[names[i]] = struct{}{}
	}
	return q
}

// ReadResponse implements transport.Streamed. The layout is that of versions 4 to 12:
// https://kafka.apache.org/protocol.html#The_Messages_Metadata.
func (q *metadataQuery) ReadResponse(r io.Reader) error {
	return wire.Fields(r, q.turn, func(in *wire.Reader) {
		version := q.GetVersion()
		in.Flexible = version >= 9
		in.Tags()  // of the header
		in.Skip(4) // throttle_time_ms
		q.readBrokers(in)
		q.answer.clusterID = string(in.String())
		in.Skip(4) // controller_id
		n := in.Count()
		// What is too much is known before it is read, and before there is room made for it.
		in.Bound(n, maxTopics, "topics")
		for ; n > 0 && in.Err() == nil; n-- {
			q.readTopic(in, version)
		}
		if version >= 8 && version <= 10 {
			in.Skip(4) // cluster_authorized_operations
		}
		in.Tags()
	})
}

func (q *metadataQuery) readBrokers(in *wire.Reader) {
	q.answer.brokers = map[int32]string{}
	n := in.Count()
	in.Bound(n, maxBrokers, "brokers")
	for ; n > 0 && in.Err() == nil; n-- {
		node, host := in.Int32(), string(in.String())
		in.Bound(len(host), maxHost, "bytes in the name of a host")
		port := in.Int32()
		in.String() // rack
		in.Tags()
		if in.Err() != nil {
			return
		}
		q.answer.brokers[node] = net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
}

// readTopic reads one topic, and keeps it where it was asked for.
func (q *metadataQuery) readTopic(in *wire.Reader, version int16) {
	var t topicAnswer
	code := in.Int16()
	t.name = string(in.String())
	if version >= 10 {
		copy(t.id[:], in.Next(len(t.id)))
	}
	t.internal = in.Int8() != 0
	t.leaders = q.readLeaders(in, version)
	if version >= 8 {
		in.Skip(4) // topic_authorized_operations
	}
	in.Tags()
	if in.Err() != nil || !q.wants(t.name) {
		return
	}
	t.leaders, t.err = inOrder(t.leaders)
	if code != 0 {
		t.leaders, t.err = nil, wire.Code(code)
	}
	q.answer.topics = append(q.answer.topics, t)
}

// wants tells whether a topic was asked for and is answered for the first time.
func (q *metadataQuery) wants(name string) bool {
	_, listed := q.names[name]
	if q.all {
		q.names[name] = struct{}{}
		return !listed && name != ""
	}
	delete(q.names, name)
	return listed
}

func (q *metadataQuery) readLeaders(in *wire.Reader, version int16) []leader {
	var leaders []leader
	n := in.Count()
	q.partitions += n
	in.Bound(n, maxTopicPartitions, "partitions of a topic")
	in.Bound(q.partitions, maxPartitions, "partitions")
	for ; n > 0 && in.Err() == nil; n-- {
		l := leader{code: in.Int16(), partition: in.Int32(), node: in.Int32(), epoch: lag.NoLeaderEpoch}
		if version >= 7 {
			if epoch := in.Int32(); version >= reliableEpochs {
				l.epoch = max(epoch, lag.NoLeaderEpoch)
			}
		}
		in.Skip(4 * in.Count()) // replica_nodes
		in.Skip(4 * in.Count()) // isr_nodes
		if version >= 5 {
			in.Skip(4 * in.Count()) // offline_replicas
		}
		in.Tags()
		leaders = append(leaders, l)
	}
	return leaders
}

// inOrder sorts the leaders of a topic and checks that there is one for each number from 0 on.
func inOrder(leaders []leader) ([]leader, error) {
	slices.SortFunc(leaders, func(a, b leader) int { return cmp.Compare(a.partition, b.partition) })
	for i, l := range leaders {
		if int(l.partition) != i {
			return nil, &sparsePartitions{l.partition, len(leaders)}
		}
	}
	return slices.Clip(leaders), nil
}
