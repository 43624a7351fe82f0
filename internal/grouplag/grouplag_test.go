package grouplag

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// fakeCluster answers from maps. It fails the test's expectations of order: log
// ends must be read after commits.
type fakeCluster struct {
	group     kafka.GroupDescription
	commits   map[lag.TopicPartition]lag.Commit
	logs      map[lag.TopicPartition][2]int64
	failing   map[lag.TopicPartition]error
	groupErr  error
	reads     []string
	partCount int32
}

func (c *fakeCluster) DescribeGroup(context.Context, string) (kafka.GroupDescription, error) {
	return c.group, nil
}

func (c *fakeCluster) Topics(_ context.Context, names []string) ([]lag.Topic, error) {
	t := lag.Topic{Name: names[0]}
	for p := range c.partCount {
		t.Partitions = append(t.Partitions, p)
	}
	if len(t.Partitions) == 0 {
		t.Err = &fault.Error{Kind: fault.NotFound, Op: "describe", Object: names[0]}
	}
	return []lag.Topic{t}, nil
}

func (c *fakeCluster) LogOffsets(_ context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	c.reads = append(c.reads, at.String())
	for _, t := range parts {
		for _, id := range t.Partitions {
			tp := lag.TopicPartition{Topic: t.Topic, Partition: id}
			o := lag.LogOffset{TopicPartition: tp, Offset: c.logs[tp][1], Err: c.failing[tp]}
			if at == lag.Start {
				o.Offset = c.logs[tp][0]
			}
			deliver([]lag.LogOffset{o})
		}
	}
}

func (c *fakeCluster) Commits(_ context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits)) {
	c.reads = append(c.reads, "commits")
	answer := lag.GroupCommits{Group: groups[0].Group, Err: c.groupErr, ReadAt: time.Now()}
	for _, commit := range c.commits {
		answer.Commits = append(answer.Commits, commit)
	}
	deliver([]lag.GroupCommits{answer})
}

func tp(partition int32) lag.TopicPartition {
	return lag.TopicPartition{Topic: "orders", Partition: partition}
}

func commit(partition int32, offset int64) lag.Commit {
	return lag.Commit{TopicPartition: tp(partition), Offset: offset}
}

func TestTable(t *testing.T) {
	cluster := &fakeCluster{
		group: kafka.GroupDescription{State: "Stable", Members: []kafka.GroupMember{{
			MemberID: "m-1", ClientID: "shop", Host: "/10.0.0.1", Assignments: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{0, 1, 2, 5}}},
		}}},
		commits: map[lag.TopicPartition]lag.Commit{
			tp(0): commit(0, 10), tp(1): commit(1, 50), tp(2): commit(2, 5), tp(3): commit(3, 70), tp(4): commit(4, 1),
		},
		logs:    map[lag.TopicPartition][2]int64{tp(0): {0, 39}, tp(1): {0, 50}, tp(2): {20, 30}, tp(3): {0, 60}, tp(5): {0, 9}},
		failing: map[lag.TopicPartition]error{tp(4): errors.New("not the leader")},
	}
	g, err := Read(t.Context(), cluster, "shop", "")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := g.Table(&out, true); err != nil {
		t.Fatal(err)
	}
	const want = `Group shop is Stable with 1 member; total lag 39 over 6 partitions (1 of them unknown and not counted, see ERROR)

GROUP TOPIC PARTITION CURRENT-OFFSET LOG-START-OFFSET LOG-END-OFFSET LAG STATE CONSUMER-ID HOST CLIENT-ID ERROR NOTE
shop orders 0 10 0 39 29 lagging m-1 /10.0.0.1 shop - -
shop orders 1 50 0 50 0 caught_up m-1 /10.0.0.1 shop - -
shop orders 2 5 20 30 10 commit_below_start m-1 /10.0.0.1 shop - -
shop orders 3 70 0 60 - commit_past_end - - - - the log ends before the commit: it was truncated, restored or created again, and consumers start where their auto.offset.reset says
shop orders 4 1 - - - unknown - - - not the leader -
shop orders 5 - 0 9 - no_commit m-1 /10.0.0.1 shop - -
`
	if diff := cmp.Diff(want, squeeze(out.String())); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if slices.Index(cluster.reads, "commits") > slices.Index(cluster.reads, lag.End.String()) {
		t.Errorf("reads %v: commits must come first", cluster.reads)
	}
}

// TestTableOfHostileNames: a topic and a client may be called anything.
func TestTableOfHostileNames(t *testing.T) {
	const name = "a\x1b[2J\r\nb\tc\u202e"
	g := &Group{Group: name, State: name, Partitions: []Partition{
		{Topic: name, Reason: "lagging", MemberID: name, ClientID: name, Host: name}, {Topic: name, Reason: "unknown", Error: name, Note: name},
	}}
	var out strings.Builder
	if err := g.Table(&out, true); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 5 {
		t.Errorf("got %d lines, want 5:\n%q", len(lines), lines)
	}
	for line := range strings.Lines(out.String()) {
		if line = strings.TrimSuffix(line, "\n"); fault.Printable(line) != line {
			t.Errorf("line %q", line)
		}
	}
}

// squeeze takes the alignment out of a table.
func squeeze(table string) string {
	lines := strings.Split(table, "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.Join(lines, "\n")
}

func TestReadOneTopic(t *testing.T) {
	cluster := &fakeCluster{
		partCount: 2,
		commits: map[lag.TopicPartition]lag.Commit{
			tp(0): commit(0, 1), tp(1): commit(1, lag.NoCommit), {Topic: "other"}: {TopicPartition: lag.TopicPartition{Topic: "other"}},
		},
		logs: map[lag.TopicPartition][2]int64{tp(0): {0, 3}},
	}
	g, err := Read(t.Context(), cluster, "shop", "orders")
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Partitions) != 1 || g.TotalLag != 2 {
		t.Errorf("got %+v, want orders-0 alone with lag 2", g)
	}
}

func TestReadFails(t *testing.T) {
	denied := &fault.Error{Kind: fault.Denied, Op: "read commits"}
	for name, tc := range map[string]struct {
		cluster *fakeCluster
		topic   string
		want    fault.Kind
	}{
		"no such group":         {&fakeCluster{group: kafka.GroupDescription{State: "Dead"}}, "", fault.NotFound},
		"no such topic":         {&fakeCluster{}, "orders", fault.NotFound},
		"nothing on that topic": {&fakeCluster{partCount: 1}, "orders", fault.NotFound},
		"no ACL":                {&fakeCluster{groupErr: denied}, "", fault.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(t.Context(), tc.cluster, "shop", tc.topic); fault.KindOf(err) != tc.want {
				t.Errorf("got %v, want kind %v", err, tc.want)
			}
		})
	}
}
