package transport

import (
	"bytes"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
	_ "github.com/segmentio/kafka-go/protocol/apiversions"
	_ "github.com/segmentio/kafka-go/protocol/describegroups"
	_ "github.com/segmentio/kafka-go/protocol/findcoordinator"
	_ "github.com/segmentio/kafka-go/protocol/offsetfetch"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// BenchmarkCodecs decodes the same small answers with kmsg, after their layout has been
// walked, and with kafka-go's messages, in the newest version that kafka-go has.
func BenchmarkCodecs(b *testing.B) {
	versions := kmsg.NewPtrApiVersionsResponse()
	versions.ApiKeys = make([]kmsg.ApiVersionsResponseApiKey, 75)
	coordinator := kmsg.NewPtrFindCoordinatorResponse()
	coordinator.Host, coordinator.Port = "kafka-1.kafka.svc", 9092
	fetched := kmsg.NewPtrOffsetFetchResponse()
	fetched.Topics = []kmsg.OffsetFetchResponseTopic{{Topic: "orders", Partitions: make([]kmsg.OffsetFetchResponseTopicPartition, 100)}}
	members := kmsg.NewPtrDescribeGroupsResponse()
	group := kmsg.NewDescribeGroupsResponseGroup()
	for range 100 {
		m := kmsg.NewDescribeGroupsResponseGroupMember()
		m.MemberID, m.ClientID, m.ClientHost = "consumer-1-0123456789abcdef", "consumer-1", "/10.0.0.1"
		m.ProtocolMetadata, m.MemberAssignment = make([]byte, 30), make([]byte, 40)
		group.Members = append(group.Members, m)
	}
	members.Groups = append(members.Groups, group)
	for _, c := range []struct {
		name    string
		req     kmsg.Request
		resp    kmsg.Response
		version int16
	}{
		{"ApiVersions", kmsg.NewPtrApiVersionsRequest(), versions, 0},
		{"FindCoordinator", kmsg.NewPtrFindCoordinatorRequest(), coordinator, 2},
		{"OffsetFetch", kmsg.NewPtrOffsetFetchRequest(), fetched, 5},
		{"DescribeGroups", kmsg.NewPtrDescribeGroupsRequest(), members, 4},
	} {
		c.req.SetVersion(c.version)
		c.resp.SetVersion(c.version)
		body := c.resp.AppendTo([]byte{0, 0, 0, 1})
		sent := frame(uint32(len(body)), body)
		b.Run(c.name+"/ours", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x := exchange{ctx: b.Context(), formatter: kmsg.NewRequestFormatter(), id: 1, req: c.req}
				if _, err := x.RawExchange(received{bytes.NewReader(sent)}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/kafka-go", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := protocol.ReadResponse(bytes.NewReader(sent), protocol.ApiKey(c.req.Key()), c.version); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
