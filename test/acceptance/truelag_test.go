//go:build realkafka

package acceptance

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// lagScene is one case of testdata/lag.txt.
type lagScene struct {
	name string
	line int
	// topic are the properties of its topic.
	topic map[string]string
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
		case word == "topic":
			all[len(all)-1].topic = properties(rest)
		case word == "uncommitted" || word == "committed" && len(strings.Fields(rest)) >= 2:
			all[len(all)-1].want["read_"+word] = rest
		default:
			all[len(all)-1].steps = append(all[len(all)-1].steps, line)
		}
	}
	must(t, lines.Err())
	return all
}

// properties reads KEY=VALUE ...
func properties(text string) map[string]string {
	all := map[string]string{}
	for field := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(field, "=")
		all[key] = value
	}
	return all
}

// TestTrueLag asks the running product what is left to do in each case.
func TestTrueLag(t *testing.T) {
	t.Parallel()
	p := serve(t, "")
	for _, c := range lagScenes(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx := scene(t)
			s := setStage(ctx, t, fmt.Sprintf("true-lag-%d", c.line), c.topic)
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

// explained is the lag of the first partition, its reason, and what retention has taken from the group.
func explained(ctx context.Context, t *testing.T, p *product, metadata map[string]string) string {
	t.Helper()
	answer, err := p.Own.Explain(ctx, &kafkascalerv1.ExplainRequest{Name: t.Name(), Namespace: "acceptance", ScalerMetadata: metadata})
	must(t, err)
	x := answer.GetExplanations()[0]
	if x.GetError() != "" || len(x.GetPartitions()) == 0 {
		return x.GetError()
	}
	r := x.GetPartitions()[0]
	if r.GetLost() > 0 {
		return fmt.Sprintf("%d %s lost %d", r.GetLag(), r.GetReason(), r.GetLost())
	}
	return fmt.Sprintf("%d %s", r.GetLag(), r.GetReason())
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
