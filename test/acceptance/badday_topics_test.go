//go:build realkafka

package acceptance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// namedCluster is a configuration with the shared cluster under a name, whose
// topics are looked at every two seconds.
func namedCluster(name string) string {
	return fmt.Sprintf("refresh: {topicsInterval: 2s}\nclusters:\n%s", clusterEntry(name, cluster.Bootstrap()...))
}

// clusterEntry is one element of `clusters`.
func clusterEntry(name string, servers ...string) string {
	return fmt.Sprintf("- name: %s\n  bootstrapServers: [%s]\n", name, strings.Join(servers, ", "))
}

// TestAnswersAsTopicComesGrowsAndGoes never takes a topic that is not there for one without work.
func TestAnswersAsTopicComesGrowsAndGoes(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	p := serve(t, namedCluster("shop"))
	w := pollAnything(ctx, t, p, map[string]string{
		"cluster": "shop", "topic": "ephemeral", "consumerGroup": "ephemeral-readers", "lagThreshold": "1000",
		"offsetResetPolicy": "earliest", "maxSnapshotAge": "3s",
	}, 0)
	w.allow(1, 0) // no value at all
	w.allowError(codes.NotFound, `topic "ephemeral"`, "create the topic")
	w.awaitError(codes.NotFound)
	before := p.settled(t)

	// It comes. While it is empty, 0 is right, and while its partitions get leaders, an error.
	w.allow(0, 5)
	w.allowError(codes.Unavailable, "ephemeral")
	must(t, cluster.CreateTopic(ctx, "ephemeral", 2, 3, nil), cluster.Produce(ctx, "ephemeral", 1, 5))
	w.reaches(5, time.Now())
	w.allow(3, 5)
	must(t, cluster.Commit(ctx, "ephemeral-readers", "ephemeral", map[int32]int64{0: 0, 1: 2}))
	w.reaches(3, time.Now())
	w.forbidErrors()

	// It grows. The regular look finds the partition.
	w.allow(3, 7)
	must(t, cluster.AddPartitions(ctx, "ephemeral", 3), cluster.Produce(ctx, "ephemeral", 2, 4))
	w.reaches(7, time.Now().Add(2*time.Second))

	// It goes: the last known good counts for its time, and then the error says what is gone.
	w.allowError(codes.NotFound, `topic "ephemeral"`, "create the topic")
	w.allowError(codes.Unavailable, "ephemeral")
	must(t, cluster.DeleteTopic(ctx, "ephemeral"))
	w.awaitError(codes.NotFound)

	// Another one of that name counts by itself; its group begins again, since Kafka has dropped the commits.
	w.allow(0, 2)
	must(t, cluster.CreateTopic(ctx, "ephemeral", 1, 3, nil), cluster.Produce(ctx, "ephemeral", 0, 2))
	w.reaches(2, time.Now())
	w.forbidErrors()
	w.end()
	p.leavesNothing(t, before, len(cluster.Brokers()))
}

// TestAnswersWithoutCommits: under latest each partition counts 1, so that a consumer
// comes up; under earliest everything retained counts.
func TestAnswersWithoutCommits(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	p := serve(t, namedCluster("shop"))
	must(t, cluster.CreateTopic(ctx, "expiring", 3, 1, nil), cluster.Produce(ctx, "expiring", 1, 9))
	trigger := func(policy string) map[string]string {
		return map[string]string{
			"cluster": "shop", "topic": "expiring", "consumerGroup": "expiring-readers", "lagThreshold": "1000", "offsetResetPolicy": policy,
		}
	}
	latest, earliest := poll(ctx, t, p, trigger("latest"), 3), poll(ctx, t, p, trigger("earliest"), 9)
	both := func(toLatest, toEarliest int64, change func() error) {
		t.Helper()
		for w, to := range map[*poller]int64{latest: toLatest, earliest: toEarliest} {
			low, top := w.allowed()
			w.allow(min(low, to), max(top, to))
		}
		must(t, change())
		at := time.Now()
		latest.reaches(toLatest, at)
		earliest.reaches(toEarliest, at)
	}
	both(7, 7, func() error {
		return cluster.Commit(ctx, "expiring-readers", "expiring", map[int32]int64{0: 0, 1: 2, 2: 0})
	})
	// As when the commits expire while the group is at zero.
	both(3, 9, func() error { return cluster.DeleteCommits(ctx, "expiring-readers", "expiring", 0, 1, 2) })
	both(5, 5, func() error {
		return cluster.Commit(ctx, "expiring-readers", "expiring", map[int32]int64{0: 0, 1: 4, 2: 0})
	})
	both(3, 9, func() error { return cluster.DeleteGroup(ctx, "expiring-readers") })
}

// TestAnswersWhenRetentionOvertakesTheGroup counts what is left. Log starts are read
// every few seconds; what was counted until then was more, and no consumer less.
func TestAnswersWhenRetentionOvertakesTheGroup(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	p := serve(t, namedCluster("shop"))
	must(t, cluster.CreateTopic(ctx, "retained", 1, 1, nil), cluster.Produce(ctx, "retained", 0, 9),
		cluster.Commit(ctx, "retained-readers", "retained", map[int32]int64{0: 2}))
	w := poll(ctx, t, p, map[string]string{"cluster": "shop", "topic": "retained", "consumerGroup": "retained-readers", "lagThreshold": "1000"}, 7)
	w.allow(4, 7)
	must(t, cluster.DeleteRecords(ctx, "retained", 0, 5))
	const betweenStarts = 5 * time.Second
	w.reaches(4, time.Now().Add(betweenStarts))
}

// TestRefusesWhatNobodyCanAnswer asks for what is not there, or makes no sense. Every
// error has its code, and names the object and what to do, for all RPCs alike.
func TestRefusesWhatNobodyCanAnswer(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	p := serve(t, namedCluster("shop"))
	tests := []struct {
		name     string
		metadata map[string]string
		code     codes.Code
		parts    []string
	}{
		{
			"cluster",
			map[string]string{"cluster": "shpo", "topic": "t", "consumerGroup": "g"},
			codes.NotFound,
			[]string{`cluster "shpo"`, "known: shop", "correct `cluster`"},
		},
		{
			"address",
			map[string]string{"bootstrapServers": "127.0.0.1:1", "topic": "t", "consumerGroup": "g"},
			codes.PermissionDenied,
			[]string{"127.0.0.1:1", "name a configured cluster"},
		},
		{
			"topic",
			map[string]string{"cluster": "shop", "topic": "nowhere", "consumerGroup": "g"},
			codes.NotFound,
			[]string{`topic "nowhere"`, "create the topic or correct its name"},
		},
		{
			"regex",
			map[string]string{"cluster": "shop", "topicRegex": "nowhere.+", "consumerGroup": "g"},
			codes.NotFound,
			[]string{`"nowhere.+"`, "correct topicRegex"},
		},
		{
			"group",
			map[string]string{"cluster": "shop", "consumerGroup": "nobody"},
			codes.FailedPrecondition,
			[]string{`group "nobody"`, "name the topic with `topic`"},
		},
		{"everything", map[string]string{
			"bootstrapServers": "no-port", "cluster": "shop", "lagThreshold": "-3", "offsetResetPolicy": "newest",
			"allowIdleConsumers": "perhaps", "maxSnapshotAge": "soon", "partitionLimitation": "3-1", "lagTreshold": "5", "password": "hunter2",
		}, codes.InvalidArgument, []string{
			"consumerGroup", "no-port", `lagThreshold "-3"`, `offsetResetPolicy "newest"`, `allowIdleConsumers "perhaps"`,
			`maxSnapshotAge "soon"`, `partitionLimitation "3-1"`, "lagTreshold", "lagThreshold", "password",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ref := &pb.ScaledObjectRef{Namespace: "acceptance", Name: test.name, ScalerMetadata: test.metadata}
			_, metricsErr := p.KEDA.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: ref})
			_, activeErr := p.KEDA.IsActive(ctx, ref)
			errs := []error{metricsErr, activeErr}
			if _, err := p.KEDA.GetMetricSpec(ctx, ref); test.code == codes.InvalidArgument {
				errs = append(errs, err)
			} else if err != nil {
				t.Errorf("the spec of a valid trigger needs no Kafka: %v", err)
			}
			for _, err := range errs {
				if status.Code(err) != test.code {
					t.Errorf("%v; want code %s", err, test.code)
				}
				for _, part := range test.parts {
					if !strings.Contains(status.Convert(err).Message(), part) {
						t.Errorf("%v\ndoes not say %q", err, part)
					}
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%v\nholds a secret", err)
				}
			}
		})
	}
}
