package hostilebroker

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func partitionMillion(s *session, resp kmsg.Response) {
	eachTopic(resp, func(t *kmsg.MetadataResponseTopic) {
		odd := t.Partitions[0]
		odd.Partition = 1 << 20
		if s.chance(4) {
			odd.Partition = math.MaxInt32
		}
		t.Partitions = append(t.Partitions, odd)
	})
}

func eachTopic(resp kmsg.Response, do func(*kmsg.MetadataResponseTopic)) {
	if a, ok := resp.(*kmsg.MetadataResponse); ok {
		for i := range a.Topics {
			do(&a.Topics[i])
		}
	}
}

// duplicatePartitions lists partitions again in whatever answer they are.
func duplicatePartitions(s *session, resp kmsg.Response) {
	switch a := resp.(type) {
	case *kmsg.MetadataResponse:
		eachTopic(resp, func(t *kmsg.MetadataResponseTopic) {
			again := append([]kmsg.MetadataResponseTopicPartition(nil), t.Partitions...)
			for i := range again {
				again[i].Leader = NodeID + int32(s.rand.IntN(3))
			}
			t.Partitions = append(t.Partitions, again...)
		})
		a.Topics = append(a.Topics, a.Topics...)
	case *kmsg.ListOffsetsResponse:
		for i := range a.Topics {
			again := append([]kmsg.ListOffsetsResponseTopicPartition(nil), a.Topics[i].Partitions...)
			for j := range again {
				again[j].Offset = Committed
			}
			a.Topics[i].Partitions = append(a.Topics[i].Partitions, again...)
		}
	case *kmsg.OffsetFetchResponse:
		a.Groups = append(a.Groups, a.Groups...)
		a.Topics = append(a.Topics, a.Topics...)
	}
}

func manyBrokers(s *session, resp kmsg.Response) {
	const many = 20_000
	if a, ok := resp.(*kmsg.MetadataResponse); ok {
		for id := range int32(many) {
			a.Brokers = append(a.Brokers, kmsg.MetadataResponseBroker{NodeID: 10 + id, Host: s.host, Port: s.port})
		}
		eachTopic(resp, func(t *kmsg.MetadataResponseTopic) {
			for i := range t.Partitions {
				t.Partitions[i].Leader = 10 + int32(s.rand.IntN(many))
			}
		})
	}
}

func movingLeaders(s *session, resp kmsg.Response) {
	eachTopic(resp, func(t *kmsg.MetadataResponseTopic) {
		for i := range t.Partitions {
			t.Partitions[i].LeaderEpoch = Epoch + int32(s.turn(resp.Key()))
			if !s.chance(3) {
				t.Partitions[i].Leader = int32(s.rand.IntN(5)) - 1
			}
		}
	})
}

func forbiddenAddress(s *session, resp kmsg.Response) {
	host, port, _ := strings.Cut(s.opts.Advertise, ":")
	number := int32(0)
	_, _ = fmt.Sscanf(port, "%d", &number)
	switch a := resp.(type) {
	case *kmsg.MetadataResponse:
		for i := range a.Brokers {
			a.Brokers[i].Host, a.Brokers[i].Port = host, number
		}
	case *kmsg.FindCoordinatorResponse:
		a.Host, a.Port = host, number
		for i := range a.Coordinators {
			a.Coordinators[i].Host, a.Coordinators[i].Port = host, number
		}
	}
}

func otherCluster(s *session, resp kmsg.Response) {
	if a, ok := resp.(*kmsg.MetadataResponse); ok {
		id := fmt.Sprintf("cluster-%d", s.rand.IntN(1000))
		a.ClusterID = &id
	}
}

// staleEpochs makes the log end that of a leader that was deposed before the commits
// were made: equal to them, so that whoever believes it sees no lag.
func staleEpochs(_ *session, resp kmsg.Response) {
	if a, ok := resp.(*kmsg.ListOffsetsResponse); ok {
		for i := range a.Topics {
			for j := range a.Topics[i].Partitions {
				p := &a.Topics[i].Partitions[j]
				p.LeaderEpoch = Epoch - 2
				if p.Offset == LogEnd {
					p.Offset = Committed
				}
			}
		}
	}
}

// escapes fills texts with what a terminal obeys. Names of topics and groups stay, or nobody would read the rest.
func escapes(s *session, resp kmsg.Response) {
	const text = "\x1b]0;owned\x07\x1b[2J\x1b[31mall is well\x1b[0m\r\n\x00\u202elave\u2028ERROR forged line"
	s.walk(reflect.ValueOf(resp).Elem(), 1, func(name string, v reflect.Value) {
		switch {
		case name == "ErrorMessage":
			v.Set(reflect.ValueOf(new(text)))
		case name == "ErrorCode" && s.chance(2):
			v.SetInt([]int64{-1, 29, 30, 58, 87, 15}[s.rand.IntN(6)])
		case strings.HasPrefix(name, "Client") || name == "MemberID" || name == "State" || name == "Protocol" || name == "ProtocolType" || name == "AssignorName":
			v.SetString(text)
		}
	})
	if a, ok := resp.(*kmsg.MetadataResponse); ok && s.chance(2) {
		id := text
		a.ClusterID = &id
		odd := topic("\x1b[2J" + text)
		a.Topics = append(a.Topics, odd)
	}
}

func oddVersions(s *session, resp kmsg.Response) {
	if a, ok := resp.(*kmsg.ApiVersionsResponse); ok {
		for i := range a.ApiKeys {
			spans := [][2]int16{{0, math.MaxInt16}, {5, 1}, {-1, -1}, {math.MinInt16, 0}, {100, 200}}
			one := spans[s.rand.IntN(len(spans))]
			a.ApiKeys[i].MinVersion, a.ApiKeys[i].MaxVersion = one[0], one[1]
		}
		for key := range int16(5000) {
			a.ApiKeys = append(a.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: key + 200, MaxVersion: 1})
		}
	}
}

func scramIterationsWithoutEnd(s *session, resp kmsg.Response) {
	if a, ok := resp.(*kmsg.SASLAuthenticateResponse); ok {
		first, _, _ := strings.Cut(string(a.SASLAuthBytes), ",i=")
		if first == "" {
			return
		}
		many := []string{"2000000000", "2147483647", "9223372036854775807", "100000000"}
		a.SASLAuthBytes = []byte(first + ",i=" + many[s.rand.IntN(len(many))])
	}
}

// fatMembers sends some 40 MB of what members say of themselves.
func fatMembers(s *session, resp kmsg.Response) {
	const fat = 1 << 20
	if a, ok := resp.(*kmsg.DescribeGroupsResponse); ok {
		for i := range a.Groups {
			one := a.Groups[i].Members[0]
			// A count of topics that fills the bytes, each an empty name.
			one.ProtocolMetadata = binary.BigEndian.AppendUint32([]byte{0, 0}, uint32(fat/2-4))
			one.ProtocolMetadata = append(one.ProtocolMetadata, make([]byte, fat)...)
			one.MemberAssignment = s.noise(4096)
			for range 40 / len(a.Groups) {
				a.Groups[i].Members = append(a.Groups[i].Members, one)
			}
		}
	}
	if a, ok := resp.(*kmsg.ConsumerGroupDescribeResponse); ok {
		for i := range a.Groups {
			one := a.Groups[i].Members[0]
			one.SubscribedTopics = make([]string, 100_000)
			a.Groups[i].Members = append(a.Groups[i].Members, one, one, one)
		}
	}
}

// nameMillionTopics answers the question for all topics with a million of them.
func nameMillionTopics(s *session, r request) error {
	req, ok := r.Request.(*kmsg.MetadataRequest)
	if !ok || req.Topics != nil {
		return answerPlausibly(s, r)
	}
	return s.write(r.frame(s.million(req.Version)))
}

// millions are the bodies by version, made once: each is tens of megabytes. The lock is held while one is made.
type millions struct {
	mu     sync.Mutex
	bodies map[int16][]byte
}

func (s *session) million(version int16) []byte {
	s.millions.mu.Lock()
	defer s.millions.mu.Unlock()
	if body, ok := s.millions.bodies[version]; ok {
		return body
	}
	resp := kmsg.NewPtrMetadataResponse()
	resp.SetVersion(version)
	s.metadata(&kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{}}, resp)
	resp.Topics = make([]kmsg.MetadataResponseTopic, 1_000_000)
	for i := range resp.Topics {
		name := fmt.Sprintf("t-%06d", i)
		resp.Topics[i] = kmsg.NewMetadataResponseTopic()
		resp.Topics[i].Topic = &name
		binary.BigEndian.PutUint32(resp.Topics[i].TopicID[:], uint32(i+1))
	}
	if s.millions.bodies == nil {
		s.millions.bodies = map[int16][]byte{}
	}
	body := resp.AppendTo(nil)
	s.millions.bodies[version] = body
	return body
}
