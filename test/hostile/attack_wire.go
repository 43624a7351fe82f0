package hostile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

// rawCodec sends bytes as they are in place of a message.
type rawCodec struct{}

// Name implements encoding.Codec.
func (rawCodec) Name() string { return "proto" }

// Marshal implements encoding.Codec.
func (rawCodec) Marshal(v any) ([]byte, error) {
	if b, ok := v.(*[]byte); ok {
		return *b, nil
	}
	return nil, errors.New("not bytes")
}

// Unmarshal implements encoding.Codec.
func (rawCodec) Unmarshal(b []byte, v any) error {
	if p, ok := v.(*[]byte); ok {
		*p = b
	}
	return nil
}

// noise are n random bytes.
func (d *dice) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return b
}

// badMessages sends what is no message, or one with texts that are no UTF-8, or one that is too large.
func (at *attacker) badMessages(ctx context.Context) {
	methods := []string{
		pb.ExternalScaler_GetMetrics_FullMethodName, pb.ExternalScaler_IsActive_FullMethodName, pb.ExternalScaler_GetMetricSpec_FullMethodName,
		"/kafkascaler.v1.KafkaScalerService/Explain", "/no.such.Service/Method", "/",
	}
	for range 1 + at.IntN(10) {
		var body []byte
		switch at.IntN(4) {
		case 0:
			body = at.noise(at.IntN(2000))
		case 1:
			body = append([]byte{0x0a, 0x04, 0xff, 0xfe, 0x1b, 0x5b}, []byte{0x12, 0x02, 'n', 's'}...) // name: no UTF-8
		case 2:
			body = []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x07} // a name of 2 GiB
		default:
			body = append([]byte{0x0a, 0x80, 0x80, 0x40}, make([]byte, 1<<20)...) // a name of 1 MiB
		}
		method := pick(at.dice, methods...)
		at.in(ctx, "bad messages", func(ctx context.Context) error {
			var answer []byte
			return at.conn.Invoke(ctx, method, &body, &answer, grpc.ForceCodec(rawCodec{}))
		})
	}
}

// largeHeaders sends headers instead of messages.
func (at *attacker) largeHeaders(ctx context.Context) {
	ref := at.ref(at.newGroup())
	for range 1 + at.IntN(10) {
		header := strings.Repeat("x", 1<<at.IntN(24))
		at.in(ctx, "large headers", func(ctx context.Context) error {
			_, err := at.keda.IsActive(metadata.AppendToOutgoingContext(ctx, "x-evil", header, "x-more", header), ref)
			return err
		})
	}
}

// oddNames asks for ScaledObjects with names that Kubernetes would not take.
func (at *attacker) oddNames(ctx context.Context) {
	for range 1 + at.IntN(5) {
		ref := at.ref(map[string]string{"cluster": "main", "topic": pick(at.dice, honestTopic(0), at.text()), "consumerGroup": at.text()})
		ref.Name, ref.Namespace = at.text(), pick(at.dice, at.text(), strings.Repeat("n", at.size()/2))
		at.ask(ctx, "odd names", ref, at.IntN(6))
	}
}

// otherServices asks whatever else answers on the two ports.
func (at *attacker) otherServices(ctx context.Context) {
	at.in(ctx, "health", func(ctx context.Context) error {
		_, err := healthpb.NewHealthClient(at.conn).Check(ctx, &healthpb.HealthCheckRequest{})
		return err
	})
	at.in(ctx, "health watch", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		watch, err := healthpb.NewHealthClient(at.conn).Watch(ctx, &healthpb.HealthCheckRequest{Service: "no such service"})
		for err == nil {
			_, err = watch.Recv()
		}
		return nil
	})
	at.in(ctx, "reflection", func(ctx context.Context) error {
		stream, err := reflectionpb.NewServerReflectionClient(at.conn).ServerReflectionInfo(ctx)
		if err != nil {
			return err
		}
		for range 20 {
			if err := stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil {
				return err
			}
			if _, err := stream.Recv(); err != nil {
				return err
			}
		}
		return stream.CloseSend()
	})
	path := pick(at.dice, "/metrics", "/metrics", "/healthz", "/readyz", "/debug/pprof/", "/"+strings.Repeat("a", at.size()/4))
	at.in(ctx, "http", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.victim.Web+path, http.NoBody)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err
	})
}

// rawConnections speaks TCP to the ports: nothing, half of something, or noise, and
// stays for a while or goes with a reset.
func (at *attacker) rawConnections(ctx context.Context) {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for range 1 + at.IntN(20) {
		words := pick(at.dice, "", preface[:at.IntN(len(preface))], preface, preface+settings, string(at.noise(at.IntN(500))),
			preface+strings.Repeat(settings, 1000), preface+settings+"\x7f\xff\xff\x00\x00\x00\x00\x00\x01", preface+settings+string(at.noise(300)),
			preface+settings+strings.Repeat("\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678", 200), "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		address, while, reset := pick(at.dice, at.victim.GRPC, at.victim.GRPC, at.victim.Web), time.Duration(at.IntN(9000))*time.Millisecond, at.IntN(2) == 0
		at.in(ctx, "raw connections", func(ctx context.Context) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			if err != nil {
				return fmt.Errorf("dial: %w", err)
			}
			defer conn.Close()
			if reset {
				_ = conn.(*net.TCPConn).SetLinger(0)
			}
			_, _ = conn.Write([]byte(words))
			pace.Sleep(ctx, while)
			return nil
		})
	}
}

// mostConnections is how many connections one attack opens.
const mostConnections = 1000

// manyConnections opens connections, says as much as a client does at first or nothing, and holds them.
func (at *attacker) manyConnections(ctx context.Context) {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	words := pick(at.dice, "", preface)
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	for range 1 + at.IntN(mostConnections) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.victim.GRPC)
		at.notes.attack("many connections", err)
		if err != nil {
			break
		}
		open = append(open, conn)
		_, _ = conn.Write([]byte(words))
	}
	pace.Sleep(ctx, time.Duration(at.IntN(8000))*time.Millisecond)
}
