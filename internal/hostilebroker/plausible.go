package hostilebroker

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What a plausible broker has: any topic that is asked for, with so many partitions,
// so much written to each and so much of it read by any group.
const (
	NodeID     = 1
	Partitions = 3
	LogEnd     = 10
	Committed  = 3
	// Epoch is the leader epoch of all partitions and commits.
	Epoch = 5
	// Lag is the lag of one topic.
	Lag = Partitions * (LogEnd - Committed)
)

// someTopics are those that exist when all topics are asked for.
const someTopics = 5

// scramIterations are as many as Kafka's own brokers ask for.
const scramIterations = 4096

// spoken are the APIs that a client of consumer groups may ask for.
func spoken() []int16 { return []int16{0, 1, 2, 3, 8, 9, 10, 15, 16, 17, 18, 36, 69} }

// plausible is the answer of a healthy broker.
func (s *session) plausible(r request) kmsg.Response {
	resp := r.ResponseKind()
	if d, ok := resp.(interface{ Default() }); ok {
		d.Default()
	}
	switch a := resp.(type) {
	case *kmsg.ApiVersionsResponse:
		for _, key := range spoken() {
			a.ApiKeys = append(a.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: key, MaxVersion: kmsg.RequestForKey(key).MaxVersion()})
		}
	case *kmsg.MetadataResponse:
		s.metadata(r.Request.(*kmsg.MetadataRequest), a)
	case *kmsg.FindCoordinatorResponse:
		s.coordinators(r.Request.(*kmsg.FindCoordinatorRequest), a)
	case *kmsg.OffsetFetchResponse:
		commits(r.Request.(*kmsg.OffsetFetchRequest), a)
	case *kmsg.ListOffsetsResponse:
		ends(r.Request.(*kmsg.ListOffsetsRequest), a)
	case *kmsg.DescribeGroupsResponse:
		groups(r.Request.(*kmsg.DescribeGroupsRequest), a)
	case *kmsg.ConsumerGroupDescribeResponse:
		consumerGroups(r.Request.(*kmsg.ConsumerGroupDescribeRequest), a)
	case *kmsg.FetchResponse:
		logs(r.Request.(*kmsg.FetchRequest), a)
	case *kmsg.SASLHandshakeResponse:
		a.SupportedMechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}
	case *kmsg.SASLAuthenticateResponse:
		a.SASLAuthBytes = challenge(r.Request.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes, scramIterations)
	}
	return resp
}

// answerPlausibly is the behaviour of [Plausible]: a wait for records takes as long as it may.
func answerPlausibly(s *session, r request) error {
	if err := s.waitAsAsked(r); err != nil {
		return err
	}
	return s.send(r, s.plausible(r))
}

// waitAsAsked does what a broker does when there are no records.
func (s *session) waitAsAsked(r request) error {
	fetch, ok := r.Request.(*kmsg.FetchRequest)
	if !ok || fetch.MinBytes == 0 {
		return nil
	}
	return s.pause(time.Duration(min(max(fetch.MaxWaitMillis, 0), 60_000)) * time.Millisecond)
}

func (s *session) metadata(req *kmsg.MetadataRequest, resp *kmsg.MetadataResponse) {
	resp.ClusterID, resp.ControllerID = &s.opts.ClusterID, NodeID
	resp.Brokers = []kmsg.MetadataResponseBroker{{NodeID: NodeID, Host: s.host, Port: s.port}}
	names := make([]string, 0, len(req.Topics))
	for _, t := range req.Topics {
		if t.Topic != nil {
			names = append(names, *t.Topic)
		}
	}
	if req.Topics == nil {
		for i := range someTopics {
			names = append(names, fmt.Sprintf("hostile-%d", i))
		}
	}
	for _, name := range names {
		resp.Topics = append(resp.Topics, topic(name))
	}
}

func topic(name string) kmsg.MetadataResponseTopic {
	t := kmsg.NewMetadataResponseTopic()
	t.Topic = &name
	copy(t.TopicID[:], "hostile."+name)
	for p := range int32(Partitions) {
		one := kmsg.NewMetadataResponseTopicPartition()
		one.Partition, one.Leader, one.LeaderEpoch = p, NodeID, Epoch
		one.Replicas, one.ISR = []int32{NodeID}, []int32{NodeID}
		t.Partitions = append(t.Partitions, one)
	}
	return t
}

func (s *session) coordinators(req *kmsg.FindCoordinatorRequest, resp *kmsg.FindCoordinatorResponse) {
	resp.NodeID, resp.Host, resp.Port = NodeID, s.host, s.port
	for _, key := range req.CoordinatorKeys {
		c := kmsg.NewFindCoordinatorResponseCoordinator()
		c.Key, c.NodeID, c.Host, c.Port = key, NodeID, s.host, s.port
		resp.Coordinators = append(resp.Coordinators, c)
	}
}

func commits(req *kmsg.OffsetFetchRequest, resp *kmsg.OffsetFetchResponse) {
	for _, t := range req.Topics {
		one := kmsg.NewOffsetFetchResponseTopic()
		one.Topic = t.Topic
		for _, p := range t.Partitions {
			part := kmsg.NewOffsetFetchResponseTopicPartition()
			part.Partition, part.Offset, part.LeaderEpoch = p, Committed, Epoch
			one.Partitions = append(one.Partitions, part)
		}
		resp.Topics = append(resp.Topics, one)
	}
	for _, g := range req.Groups {
		group := kmsg.NewOffsetFetchResponseGroup()
		group.Group = g.Group
		asked := g.Topics
		if asked == nil {
			asked = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "hostile-0", Partitions: []int32{0, 1, 2}}}
		}
		for _, t := range asked {
			one := kmsg.NewOffsetFetchResponseGroupTopic()
			one.Topic, one.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				part := kmsg.NewOffsetFetchResponseGroupTopicPartition()
				part.Partition, part.Offset, part.LeaderEpoch = p, Committed, Epoch
				one.Partitions = append(one.Partitions, part)
			}
			group.Topics = append(group.Topics, one)
		}
		resp.Groups = append(resp.Groups, group)
	}
}

func ends(req *kmsg.ListOffsetsRequest, resp *kmsg.ListOffsetsResponse) {
	const earliest = -2
	for _, t := range req.Topics {
		one := kmsg.NewListOffsetsResponseTopic()
		one.Topic = t.Topic
		for _, p := range t.Partitions {
			part := kmsg.NewListOffsetsResponseTopicPartition()
			part.Partition, part.Offset, part.LeaderEpoch, part.Timestamp = p.Partition, LogEnd, Epoch, -1
			if p.Timestamp == earliest {
				part.Offset = 0
			}
			part.OldStyleOffsets = []int64{part.Offset}
			one.Partitions = append(one.Partitions, part)
		}
		resp.Topics = append(resp.Topics, one)
	}
}

func groups(req *kmsg.DescribeGroupsRequest, resp *kmsg.DescribeGroupsResponse) {
	for _, name := range req.Groups {
		g := kmsg.NewDescribeGroupsResponseGroup()
		g.Group, g.State, g.ProtocolType, g.Protocol = name, "Stable", "consumer", "range"
		member := kmsg.NewDescribeGroupsResponseGroupMember()
		member.MemberID, member.ClientID, member.ClientHost = "member-1", "client", "/127.0.0.1"
		subscription := kmsg.NewConsumerMemberMetadata()
		subscription.Topics = []string{"hostile-0"}
		assignment := kmsg.NewConsumerMemberAssignment()
		assignment.Topics = []kmsg.ConsumerMemberAssignmentTopic{{Topic: "hostile-0", Partitions: []int32{0, 1, 2}}}
		member.ProtocolMetadata, member.MemberAssignment = subscription.AppendTo(nil), assignment.AppendTo(nil)
		g.Members = append(g.Members, member)
		resp.Groups = append(resp.Groups, g)
	}
}

func consumerGroups(req *kmsg.ConsumerGroupDescribeRequest, resp *kmsg.ConsumerGroupDescribeResponse) {
	for _, name := range req.Groups {
		g := kmsg.NewConsumerGroupDescribeResponseGroup()
		g.Group, g.State, g.AssignorName = name, "Stable", "uniform"
		member := kmsg.NewConsumerGroupDescribeResponseGroupMember()
		member.MemberID, member.ClientID, member.ClientHost = "member-1", "client", "/127.0.0.1"
		member.SubscribedTopics = []string{"hostile-0"}
		g.Members = append(g.Members, member)
		resp.Groups = append(resp.Groups, g)
	}
}

func logs(req *kmsg.FetchRequest, resp *kmsg.FetchResponse) {
	for _, t := range req.Topics {
		one := kmsg.NewFetchResponseTopic()
		one.Topic, one.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			part := kmsg.NewFetchResponseTopicPartition()
			part.Partition, part.HighWatermark, part.LastStableOffset, part.LogStartOffset = p.Partition, LogEnd, LogEnd, 0
			part.RecordBatches = []byte{}
			one.Partitions = append(one.Partitions, part)
		}
		resp.Topics = append(resp.Topics, one)
	}
}

// challenge is a SCRAM server's first message for a client's first one.
func challenge(first []byte, iterations int) []byte {
	_, nonce, found := strings.Cut(string(first), "r=")
	if !found {
		return nil
	}
	nonce, _, _ = strings.Cut(nonce, ",")
	salt := base64.StdEncoding.EncodeToString([]byte("hostile salt"))
	return fmt.Appendf(nil, "r=%shostile,s=%s,i=%d", nonce, salt, iterations)
}
