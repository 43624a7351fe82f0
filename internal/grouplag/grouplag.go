// Package grouplag reads one consumer group straight from its cluster and shows
// it as Kafka's own consumer-groups tool does, with the log start, the state of
// the lag and the error of each partition beside it.
package grouplag

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Cluster is what is read; pkg/kafka's Client is one.
type Cluster interface {
	DescribeGroup(ctx context.Context, group string) (kafka.GroupDescription, error)
	Topics(ctx context.Context, names []string) ([]lag.Topic, error)
	LogOffsets(ctx context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset))
	Commits(ctx context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits))
}

// Group is one consumer group's lag. The JSON names are the command's contract.
type Group struct {
	Group string `json:"group"`
	// State is Kafka's word: Stable, Empty, PreparingRebalance, ...
	State   string `json:"state"`
	Members int    `json:"members"`
	// TotalLag is the sum over the partitions whose lag is known, in records.
	TotalLag   int64       `json:"totalLag"`
	Partitions []Partition `json:"partitions"`
}

// Partition is one row. Offsets and lag are null where they do not exist or are not known.
type Partition struct {
	Topic           string `json:"topic"`
	Partition       int32  `json:"partition"`
	CommittedOffset *int64 `json:"committedOffset"`
	LogStartOffset  *int64 `json:"logStartOffset"`
	LogEndOffset    *int64 `json:"logEndOffset"`
	// Lag is log end - committed, at least 0, and at most what is retained; null without a commit, as in Kafka's tool,
	// and where the log does not have the committed offset.
	Lag *int64 `json:"lag"`
	// Reason is the state of the lag: caught_up, lagging, no_commit, commit_below_start, commit_past_end, unknown.
	Reason string `json:"reason"`
	// MemberID, ClientID and Host are those of the member that the partition is assigned to.
	MemberID string `json:"memberId,omitempty"`
	ClientID string `json:"clientId,omitempty"`
	Host     string `json:"host,omitempty"`
	// Error says why the lag is not known; empty where it is.
	Error string `json:"error"`
	// Note says what a reader is to know of the row; empty for nothing.
	Note string `json:"note,omitempty"`
}

// NoCommit is the reason of a partition that is assigned but has no commit.
// Without a trigger there is no reset policy that would turn it into a number.
const NoCommit = "no_commit"

// pastEnd is the note of a commit beyond the log end. Only a trigger has a reset policy that says what it counts.
const pastEnd = "the log ends before the commit: it was truncated, restored or created again, and consumers start where their auto.offset.reset says"

// Read reads the group's members, commits and log offsets, in that order, so
// that no log end is older than the commit it is compared with. topic limits the
// answer to one topic; empty means every topic that the group has committed or
// is assigned. A partition that cannot be read carries its error; Read fails
// where the group as a whole cannot be read or does not exist.
func Read(ctx context.Context, cluster Cluster, group, topic string) (*Group, error) {
	described, err := cluster.DescribeGroup(ctx, group)
	if err != nil {
		return nil, err
	}
	owners := owners(described, topic)
	wanted, err := partitionsOf(ctx, cluster, topic)
	if err != nil {
		return nil, err
	}
	commits, err := commits(ctx, cluster, group, topic, wanted)
	if err != nil {
		return nil, err
	}
	if len(commits) == 0 && len(owners) == 0 {
		return nil, missing(group, topic, described.State)
	}
	return assemble(ctx, cluster, described, group, owners, commits), nil
}

func missing(group, topic, state string) error {
	if topic != "" {
		return &fault.Error{
			Kind: fault.NotFound, Op: "read lag of", Object: fmt.Sprintf("group %q on topic %q", group, topic),
			Err: errors.New("the group has neither commits nor assigned partitions there"), Remedy: "run without --topic to see the group's topics",
		}
	}
	return &fault.Error{
		Kind: fault.NotFound, Op: "read lag of", Object: fmt.Sprintf("group %q", group),
		Err:    fmt.Errorf("the group does not exist: state %s, no commits, no assigned partitions", state),
		Remedy: "check the name and the cluster; a group appears with its first commit and disappears when its offsets expire",
	}
}

type owner struct{ memberID, clientID, host string }

func owners(d kafka.GroupDescription, topic string) map[lag.TopicPartition]owner {
	owned := map[lag.TopicPartition]owner{}
	for _, m := range d.Members {
		for _, a := range m.Assignments {
			if topic != "" && a.Topic != topic {
				continue
			}
			for _, p := range a.Partitions {
				owned[lag.TopicPartition{Topic: a.Topic, Partition: p}] = owner{m.MemberID, m.ClientID, m.Host}
			}
		}
	}
	return owned
}

// partitionsOf is what to ask commits for: nil for all that there are, or every partition of the named topic.
func partitionsOf(ctx context.Context, cluster Cluster, topic string) ([]lag.TopicPartitions, error) {
	if topic == "" {
		return nil, nil
	}
	topics, err := cluster.Topics(ctx, []string{topic})
	if err != nil {
		return nil, err
	}
	if topics[0].Err != nil {
		return nil, topics[0].Err
	}
	return []lag.TopicPartitions{{Topic: topic, Partitions: topics[0].Partitions}}, nil
}

func commits(ctx context.Context, cluster Cluster, group, topic string, wanted []lag.TopicPartitions) (map[lag.TopicPartition]lag.Commit, error) {
	found := map[lag.TopicPartition]lag.Commit{}
	var failed error
	cluster.Commits(ctx, []lag.GroupTopics{{Group: group, Topics: wanted}}, func(answers []lag.GroupCommits) {
		for _, a := range answers {
			if a.Err != nil {
				failed = a.Err
			}
			for _, c := range a.Commits {
				if (topic == "" || c.Topic == topic) && (c.Err != nil || c.Offset != lag.NoCommit) {
					found[c.TopicPartition] = c
				}
			}
		}
	})
	return found, failed
}

func assemble(ctx context.Context, cluster Cluster, d kafka.GroupDescription, group string, owned map[lag.TopicPartition]owner, committed map[lag.TopicPartition]lag.Commit) *Group {
	rows := map[lag.TopicPartition]*lag.Offsets{}
	row := func(tp lag.TopicPartition) *lag.Offsets {
		if rows[tp] == nil {
			rows[tp] = &lag.Offsets{TopicPartition: tp, Committed: lag.NoCommit, LogStart: lag.Unknown, LogEnd: lag.Unknown}
		}
		return rows[tp]
	}
	for tp := range owned {
		row(tp)
	}
	for tp, c := range committed {
		if r := row(tp); c.Err != nil {
			r.Err = c.Err
		} else {
			r.Committed = c.Offset
		}
	}
	readLog(ctx, cluster, rows)
	return render(d, group, owned, rows)
}

// readLog fills in log start and log end of every row.
func readLog(ctx context.Context, cluster Cluster, rows map[lag.TopicPartition]*lag.Offsets) {
	parts := grouped(rows)
	asked := time.Now()
	for _, at := range []lag.Position{lag.Start, lag.End} {
		cluster.LogOffsets(ctx, at, parts, func(answers []lag.LogOffset) {
			for _, a := range answers {
				r := rows[a.TopicPartition]
				switch {
				case r == nil:
				case a.Err != nil:
					// The log start comes first and fails for the same reason as the end.
					r.Err = cmp.Or(r.Err, a.Err)
				case at == lag.Start:
					r.LogStart = a.Offset
				default:
					r.LogEnd, r.ObservedAt = a.Offset, asked
				}
			}
		})
	}
}

func grouped(rows map[lag.TopicPartition]*lag.Offsets) []lag.TopicPartitions {
	byTopic := map[string][]int32{}
	for tp := range rows {
		byTopic[tp.Topic] = append(byTopic[tp.Topic], tp.Partition)
	}
	parts := make([]lag.TopicPartitions, 0, len(byTopic))
	for topic, ids := range byTopic {
		slices.Sort(ids)
		parts = append(parts, lag.TopicPartitions{Topic: topic, Partitions: ids})
	}
	slices.SortFunc(parts, func(a, b lag.TopicPartitions) int { return strings.Compare(a.Topic, b.Topic) })
	return parts
}

func render(d kafka.GroupDescription, group string, owned map[lag.TopicPartition]owner, rows map[lag.TopicPartition]*lag.Offsets) *Group {
	g := &Group{Group: group, State: d.State, Members: len(d.Members), Partitions: make([]Partition, 0, len(rows))}
	for _, topic := range grouped(rows) {
		for _, id := range topic.Partitions {
			tp := lag.TopicPartition{Topic: topic.Topic, Partition: id}
			p := partition(*rows[tp])
			p.MemberID, p.ClientID, p.Host = owned[tp].memberID, owned[tp].clientID, owned[tp].host
			if p.Lag != nil {
				g.TotalLag += *p.Lag
			}
			g.Partitions = append(g.Partitions, p)
		}
	}
	return g
}

// partition shows one row under the rules without a trigger: no flags, and no
// reset policy to guess with.
func partition(o lag.Offsets) Partition {
	p := Partition{Topic: o.Topic, Partition: o.Partition}
	p.LogStartOffset, p.LogEndOffset = known(o.LogStart), known(o.LogEnd)
	if o.Err != nil {
		p.Reason, p.Error = string(lag.ReasonUnknown), o.Err.Error()
		p.CommittedOffset = known(o.Committed)
		return p
	}
	if o.Committed == lag.NoCommit {
		p.Reason = NoCommit
		return p
	}
	p.CommittedOffset = &o.Committed
	rules := lag.Rules{ResetPolicy: lag.Latest, MaxAge: time.Minute}
	computed := lag.Compute(rules, []lag.Offsets{o}, o.ObservedAt).Partitions[0]
	p.Reason = string(computed.Reason)
	if computed.Err != nil {
		p.Error = computed.Err.Error()
		return p
	}
	if computed.Reason == lag.ReasonCommitPastEnd {
		p.Note = pastEnd
		return p
	}
	p.Lag = &computed.Lag
	return p
}

func known(offset int64) *int64 {
	if offset < 0 {
		return nil
	}
	return &offset
}
