package transport

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// codecCase is a question and its answer for both codecs, in a version that both have.
type codecCase struct {
	name    string
	version int16
	asks    protocol.Message
	req     kmsg.Request
	resp    kmsg.Response
}

func codecCases() []codecCase {
	versions := kmsg.NewPtrApiVersionsResponse()
	versions.ApiKeys = make([]kmsg.ApiVersionsResponseApiKey, 75)
	mechanisms := kmsg.NewPtrSASLHandshakeResponse()
	mechanisms.SupportedMechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}
	challenge := kmsg.NewPtrSASLAuthenticateResponse()
	challenge.SASLAuthBytes = make([]byte, 100)
	coordinator := kmsg.NewPtrFindCoordinatorResponse()
	coordinator.NodeID, coordinator.Host, coordinator.Port = 1, "kafka-1.kafka.svc", 9092
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
	asked := kmsg.NewPtrDescribeGroupsRequest()
	asked.Groups = []string{"orders"}
	return []codecCase{
		{"ApiVersions", 0, &apiversions.Request{}, kmsg.NewPtrApiVersionsRequest(), versions},
		{"SaslHandshake", 1, &saslhandshake.Request{Mechanism: "PLAIN"}, &kmsg.SASLHandshakeRequest{Mechanism: "PLAIN"}, mechanisms},
		{"SaslAuthenticate", 1, &saslauthenticate.Request{AuthBytes: make([]byte, 50)}, &kmsg.SASLAuthenticateRequest{SASLAuthBytes: make([]byte, 50)}, challenge},
		{"FindCoordinator", 2, &findcoordinator.Request{Key: "orders"}, &kmsg.FindCoordinatorRequest{CoordinatorKey: "orders"}, coordinator},
		{"OffsetFetch", 5, &offsetfetch.Request{GroupID: "orders"}, &kmsg.OffsetFetchRequest{Group: "orders"}, fetched},
		{"DescribeGroups", 4, &describegroups.Request{Groups: []string{"orders"}}, asked, members},
	}
}

// answer is a frame with the answer, as a broker sends it.
func (c *codecCase) answer() []byte {
	c.req.SetVersion(c.version)
	c.resp.SetVersion(c.version)
	body := c.resp.AppendTo([]byte{0, 0, 0, 1})
	return frame(uint32(len(body)), body)
}

// ask sends a question to somebody who has sent that already.
func ask(tb testing.TB, formatter *kmsg.RequestFormatter, req kmsg.Request, sent []byte) exchange {
	x := exchange{ctx: tb.Context(), formatter: formatter, clientID: "kafka-scaler", id: 1, req: req}
	_, err := x.RawExchange(received{bytes.NewReader(sent)})
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// BenchmarkCodecs asks the same question with kmsg and with kafka-go's message, both behind
// the same bounds, in turn, and counts the processor's time: that of the clock is also that
// of whatever else the machine does. The ratio is kafka-go's over kmsg's: the table in the
// documentation of pkg/kafka has it.
func BenchmarkCodecs(b *testing.B) {
	const batch = 2000
	for _, c := range codecCases() {
		b.Run(c.name, func(b *testing.B) {
			sent := c.answer()
			formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID("kafka-scaler"))
			var ours, theirs time.Duration
			for b.Loop() {
				start := processorTime(b)
				for range batch {
					ask(b, formatter, c.req, sent)
				}
				middle := processorTime(b)
				for range batch {
					m := NewMessage(c.asks)
					m.SetVersion(c.version)
					ask(b, formatter, m, sent)
				}
				ours, theirs = ours+middle-start, theirs+processorTime(b)-middle
			}
			n := float64(b.N) * batch
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(ours.Nanoseconds())/n, "kmsg-ns")
			b.ReportMetric(float64(theirs.Nanoseconds())/n, "kafka-go-ns")
			b.ReportMetric(float64(theirs)/float64(ours), "ratio")
		})
	}
}

// processorTime is how long the process has computed.
func processorTime(tb testing.TB) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
