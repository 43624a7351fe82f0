//go:build realkafka

package acceptance

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// lagScene is one case of testdata/lag.txt.
type lagScene struct {
	name  string
	line  int
	steps []string
	want  map[string]string
}

func lagScenes(t *testing.T) (all []*lagScene) {
	t.Helper()
	file, err := os.Open("testdata/lag.txt")
	must(t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case word == "case":
			all = append(all, &lagScene{name: rest, line: n, want: map[string]string{}})
		case len(all) == 0:
			t.Fatalf("line %d stands before the first case", n)
		case word == "uncommitted" || word == "committed" && len(strings.Fields(rest)) == 2:
			all[len(all)-1].want["read_"+word] = rest
		default:
			all[len(all)-1].steps = append(all[len(all)-1].steps, line)
		}
	}
	must(t, lines.Err())
	return all
}

// stage is a topic that the steps of one case are done to.
type stage struct {
	topic string
	id    int
	// end and stable are where the steps have put the high watermark and the last stable offset.
	end, stable int64
	// held is whether a transaction holds the last stable offset where it is.
	held bool
}

func (s *stage) do(ctx context.Context, t *testing.T, step string) {
	t.Helper()
	word, argument, _ := strings.Cut(step, " ")
	n, _ := strconv.ParseInt(argument, 10, 64)
	s.id++
	id := fmt.Sprintf("%s-%d", s.topic, s.id)
	grow := func(by int64) {
		s.end += by
		if !s.held {
			s.stable = s.end
		}
	}
	switch word {
	case "produce":
		must(t, cluster.Produce(ctx, s.topic, 0, int(n)))
		grow(n)
	case "committed", "aborted":
		must(t, cluster.ProduceTransaction(ctx, id, s.topic, 0, int(n), word == "committed"))
		grow(n + 1)
	case "open", "hang":
		open, err := cluster.BeginTransaction(ctx, id, s.topic, 0, int(n))
		must(t, err)
		if word == "hang" {
			open.Abandon()
		} else {
			t.Cleanup(func() { must(t, open.End(context.Background(), false)) })
		}
		s.held = true
		grow(n)
	case "delete-before":
		s.settled(ctx, t) // the markers come late
		must(t, cluster.DeleteRecords(ctx, s.topic, 0, n))
	case "commit":
		must(t, cluster.Commit(ctx, s.topic, s.topic, map[int32]int64{0: n}))
	case "expire":
		must(t, cluster.DeleteCommits(ctx, s.topic, s.topic, 0))
	case "recreate":
		must(t, cluster.DeleteTopic(ctx, s.topic), cluster.CreateTopic(ctx, s.topic, 1, 1, nil))
		s.end, s.stable, s.held = 0, 0, false
	default:
		t.Fatalf("unknown step %q", step)
	}
}

// settled waits until the log is as the steps have left it: the broker writes the
// markers of a transaction after it has said that it ended.
func (s *stage) settled(ctx context.Context, t *testing.T) {
	t.Helper()
	client, _ := newClient(t, kafka.Config{BootstrapServers: cluster.Bootstrap()})
	eventually(t, func() bool {
		end := logOffsets(ctx, t, client, lag.End, partitions(s.topic, 1))[lag.TopicPartition{Topic: s.topic}]
		stable := logOffsets(ctx, t, client, lag.StableEnd, partitions(s.topic, 1))[lag.TopicPartition{Topic: s.topic}]
		return end == position{offset: s.end} && stable == position{offset: s.stable}
	})
}

// TestTrueLag asks the running product what is left to do in each case.
func TestTrueLag(t *testing.T) {
	t.Parallel()
	p := serve(t, "")
	for _, c := range lagScenes(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx := scene(t)
			s := &stage{topic: fmt.Sprintf("true-lag-%d", c.line)}
			must(t, cluster.CreateTopic(ctx, s.topic, 1, 1, nil))
			for _, step := range c.steps {
				s.do(ctx, t, step)
			}
			s.settled(ctx, t)
			for isolation, want := range c.want {
				seen := ""
				metadata := metadataOn(s.topic, s.topic, map[string]string{"isolationLevel": isolation, "lagThreshold": "10"})
				sees(t, &seen, want, func() string { return explained(ctx, t, p, metadata) })
				if seen != want {
					t.Errorf("lag.txt:%d: %s: %s sees %q, want %q", c.line, c.name, isolation, seen, want)
				}
			}
		})
	}
}

// sees polls until something is as wanted, at most for a few refreshes on a slow machine.
func sees(t *testing.T, seen *string, want string, look func() string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if *seen = look(); *seen == want || time.Now().After(deadline) {
			return
		}
	}
}

// explained is the lag of the first partition and its reason.
func explained(ctx context.Context, t *testing.T, p *product, metadata map[string]string) string {
	t.Helper()
	answer, err := p.Own.Explain(ctx, &kafkascalerv1.ExplainRequest{Name: t.Name(), Namespace: "acceptance", ScalerMetadata: metadata})
	must(t, err)
	x := answer.GetExplanations()[0]
	if x.GetError() != "" || len(x.GetPartitions()) == 0 {
		return x.GetError()
	}
	return fmt.Sprintf("%d %s", x.GetPartitions()[0].GetLag(), x.GetPartitions()[0].GetReason())
}

// TestGroupKinds: whoever the consumers are, the kind is found and the lag is right.
func TestGroupKinds(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	p := serve(t, "")
	must(t, cluster.CreateTopic(ctx, "kinds", 1, 1, nil), cluster.Produce(ctx, "kinds", 0, 20))
	must(t, cluster.Commit(ctx, "kinds-simple", "kinds", map[int32]int64{0: 5}))
	for group, protocol := range map[string]kafkabroker.Protocol{"kinds-classic": kafkabroker.Classic, "kinds-consumer": kafkabroker.Consumer} {
		member, err := cluster.Join(ctx, group, protocol, "kinds")
		must(t, err)
		t.Cleanup(func() { member.Close() })
		_, err = member.Poll(ctx, 5)
		must(t, err)
	}
	for _, kind := range []string{"simple", "classic", "consumer"} {
		answer, err := p.Own.Explain(ctx, &kafkascalerv1.ExplainRequest{ScalerMetadata: metadataOn("kinds-"+kind, "kinds", map[string]string{"lagThreshold": "10"})})
		must(t, err)
		x := answer.GetExplanations()[0]
		if x.GetError() != "" || x.GetTotalLag() != 15 || x.GetConsumerGroups()[0].GetKind() != kind {
			t.Errorf("%s: lag %d, %v, error %q", kind, x.GetTotalLag(), x.GetConsumerGroups(), x.GetError())
		}
	}
}
