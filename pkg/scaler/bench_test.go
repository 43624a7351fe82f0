package scaler

import (
	"context"
	"net"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// bare is a gRPC server that does nothing but take the same request and give the same answer.
type bare struct {
	pb.UnimplementedExternalScalerServer
	answer *pb.GetMetricsResponse
}

func (b *bare) GetMetrics(context.Context, *pb.GetMetricsRequest) (*pb.GetMetricsResponse, error) {
	return b.answer, nil
}

func listen(b *testing.B) net.Listener {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return listener
}

func runBare(b *testing.B, answer *pb.GetMetricsResponse) pb.ExternalScalerClient {
	b.Helper()
	listener := listen(b)
	server := grpc.NewServer()
	pb.RegisterExternalScalerServer(server, &bare{answer: answer})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	return pb.NewExternalScalerClient(conn)
}

// BenchmarkGetMetrics measures an answer from memory over loopback TCP, with all
// interceptors, against a bare gRPC echo of the same messages, call by call in
// turn. The metric x-bare is the ratio of the two; the goal is 1.5 at most.
func BenchmarkGetMetrics(b *testing.B) {
	kafka := newFakeKafka()
	kafka.lags(12, 0, 7, 0, 0, 0, 0, 0, 0, 0)
	// Ages with the run, and is decided again every keepFor, as with a collector that refreshes.
	request := metricsRequest(ref("worker", "maxSnapshotAge", "5m"))
	listener := listen(b)
	ours := runOn(b, Options{Clusters: kafka}, listener, listener.Addr().String(), nil).keda
	ctx := context.Background()
	answer, err := ours.GetMetrics(ctx, request)
	if err != nil {
		b.Fatal(err)
	}
	rival := runBare(b, answer)
	if _, err := rival.GetMetrics(ctx, request); err != nil {
		b.Fatal(err)
	}
	var took [2]time.Duration
	b.ReportAllocs()
	for b.Loop() {
		for i, client := range []pb.ExternalScalerClient{ours, rival} {
			start := time.Now()
			if _, err := client.GetMetrics(ctx, request); err != nil {
				b.Fatal(err)
			}
			took[i] += time.Since(start)
		}
	}
	n := float64(b.N)
	b.ReportMetric(float64(took[0].Nanoseconds())/n, "ns/GetMetrics")
	b.ReportMetric(float64(took[1].Nanoseconds())/n, "ns/bare")
	b.ReportMetric(float64(took[0])/float64(took[1]), "x-bare")
}

// BenchmarkHandler is what of that is ours: look-up, snapshot, decision from memory.
func BenchmarkHandler(b *testing.B) {
	kafka := newFakeKafka()
	kafka.lags(12, 0, 7, 0, 0, 0, 0, 0, 0, 0)
	s := newTestServer(b, Options{Clusters: kafka})
	request := metricsRequest(ref("worker", "maxSnapshotAge", "5m"))
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.GetMetrics(ctx, request); err != nil {
			b.Fatal(err)
		}
	}
}
