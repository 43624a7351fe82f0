package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// ConsumerGroupDescribe (KIP-848, Kafka 3.7) knows the groups of the new
// protocol, DescribeGroups those of the old one. The newest version of the latter
// answers an unknown group with an error instead of the state Dead; we stay below.
var (
	consumerGroupDescribeVersions = transport.Between(0, 1)
	describeGroupsVersions        = transport.Between(0, 5)
)

// The protocols that the members of a group can speak.
const (
	ClassicProtocol  = "classic"
	ConsumerProtocol = "consumer"
)

// StateDead is the state of a group that does not exist.
const StateDead = "Dead"

// GroupDescription is what a coordinator says about a group.
type GroupDescription struct {
	Group string
	// State is Kafka's word: Stable, Empty, PreparingRebalance, CompletingRebalance, Assigning, Reconciling or Dead.
	State string
	// Protocol is [ClassicProtocol] or [ConsumerProtocol].
	Protocol string
	// Kind is what the above says about it; lag.KindUnknown for a group that does not exist.
	Kind lag.GroupKind
	// Coordinator is the id of the broker that answered.
	Coordinator int32
	// Members are sorted by MemberID.
	Members []GroupMember
}

// GroupMember is one consumer of a group.
type GroupMember struct {
	MemberID string
	// InstanceID is the consumer's group.instance.id, or empty.
	InstanceID string
	ClientID   string
	Host       string
	// Assignments are its partitions, by topic and partition. Empty where the group's members do not speak
	// the consumer's assignment format, as Kafka Connect's do not.
	Assignments []lag.TopicPartitions
	// Subscribed are the topics that it subscribes to by name, where SubscriptionKnown is set. An expression that
	// the broker resolves, and formats other than the consumer's, are not known.
	Subscribed        []string
	SubscriptionKnown bool
}

// DescribeGroup asks the group's coordinator for its state and members. A group
// that does not exist has the state [StateDead] and is no error. Errors are *fault.Error.
func (c *Client) DescribeGroup(ctx context.Context, group string) (GroupDescription, error) {
	failed := func(err error) error { return failure("describe", fmt.Sprintf("group %q", group), err) }
	description, err := GroupDescription{}, failed(errLeftOut)
	f := fanout[lag.GroupTopics, GroupDescription]{client: c, what: "describe a group", owners: byCoordinator{c}}
	f.ask = func(ctx context.Context, p portion[lag.GroupTopics]) []rejected[lag.GroupTopics] {
		d, err := describeOn(ctx, p.broker, group)
		if err != nil {
			return []rejected[lag.GroupTopics]{{items: p.items, on: p.broker, err: err}}
		}
		f.hand([]GroupDescription{d})
		return nil
	}
	f.failed = func(r rejected[lag.GroupTopics]) []GroupDescription { err = failed(r.err); return nil }
	f.deliver = func(answer []GroupDescription) { description, err = answer[0], nil }
	f.run(ctx, []lag.GroupTopics{{Group: group}})
	return description, err
}

func describeOn(ctx context.Context, b *transport.Broker, group string) (GroupDescription, error) {
	d, err := describeConsumer(ctx, b, group)
	var version *transport.VersionError
	if errors.As(err, &version) || errors.Is(err, wire.Code(wire.GroupIDNotFound)) {
		d, err = describeClassic(ctx, b, group)
		if err == nil && d.State == StateDead {
			d = describeShare(ctx, b, group, d)
		}
	}
	d.Group, d.Coordinator = group, b.Node()
	slices.SortFunc(d.Members, func(a, b GroupMember) int { return strings.Compare(a.MemberID, b.MemberID) })
	return d, err
}

// groupAnswer is what a coordinator says about one of several groups, or why it says nothing.
type groupAnswer struct {
	GroupDescription
	err error
}

func describeConsumer(ctx context.Context, b *transport.Broker, group string) (GroupDescription, error) {
	found, err := describeConsumers(ctx, b, []string{group})
	return only(found, group, err)
}

func describeClassic(ctx context.Context, b *transport.Broker, group string) (GroupDescription, error) {
	found, err := describeClassics(ctx, b, []string{group})
	return only(found, group, err)
}

func only(found map[string]groupAnswer, group string, err error) (GroupDescription, error) {
	d, told := found[group]
	switch {
	case err != nil:
		return GroupDescription{}, err
	case !told || len(found) != 1:
		return GroupDescription{}, errLeftOut
	}
	return d.GroupDescription, d.err
}

// describeConsumers asks about groups of the new protocol, and returns what is said of each.
func describeConsumers(ctx context.Context, b *transport.Broker, groups []string) (map[string]groupAnswer, error) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = groups
	resp, err := b.RequestForPeople(ctx, req, consumerGroupDescribeVersions)
	if err != nil {
		return nil, err
	}
	found := make(map[string]groupAnswer, len(groups))
	for i := range resp.(*kmsg.ConsumerGroupDescribeResponse).Groups {
		g := &resp.(*kmsg.ConsumerGroupDescribeResponse).Groups[i]
		if g.ErrorCode != 0 {
			found[g.Group] = groupAnswer{err: wire.WithMessage(g.ErrorCode, deref(g.ErrorMessage))}
			continue
		}
		found[g.Group] = groupAnswer{GroupDescription: consumerDescription(g)}
	}
	return found, nil
}

func consumerDescription(g *kmsg.ConsumerGroupDescribeResponseGroup) GroupDescription {
	d := GroupDescription{State: g.State, Protocol: ConsumerProtocol, Kind: lag.KindConsumer}
	for i := range g.Members {
		m := &g.Members[i]
		member := GroupMember{MemberID: m.MemberID, InstanceID: deref(m.InstanceID), ClientID: m.ClientID, Host: m.ClientHost}
		for _, t := range m.Assignment.TopicPartitions {
			member.Assignments = append(member.Assignments, lag.TopicPartitions{Topic: t.Topic, Partitions: t.Partitions})
		}
		member.Assignments = sorted(member.Assignments)
		member.Subscribed, member.SubscriptionKnown = m.SubscribedTopics, deref(m.SubscribedTopicRegex) == ""
		d.Members = append(d.Members, member)
	}
	return d
}

// describeClassics asks about groups of the old protocol, and returns what is said of each.
func describeClassics(ctx context.Context, b *transport.Broker, groups []string) (map[string]groupAnswer, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = groups
	resp, err := b.RequestForPeople(ctx, req, describeGroupsVersions)
	if err != nil {
		return nil, err
	}
	found := make(map[string]groupAnswer, len(groups))
	for i := range resp.(*kmsg.DescribeGroupsResponse).Groups {
		g := &resp.(*kmsg.DescribeGroupsResponse).Groups[i]
		if g.ErrorCode != 0 {
			found[g.Group] = groupAnswer{err: wire.Code(g.ErrorCode)}
			continue
		}
		found[g.Group] = groupAnswer{GroupDescription: classicDescription(g)}
	}
	return found, nil
}

func classicDescription(g *kmsg.DescribeGroupsResponseGroup) GroupDescription {
	d := GroupDescription{State: g.State, Protocol: ClassicProtocol, Kind: classicKind(g)}
	names := topicNamesOf{}
	for i := range g.Members {
		m := &g.Members[i]
		member := GroupMember{
			MemberID: m.MemberID, InstanceID: deref(m.InstanceID), ClientID: m.ClientID, Host: m.ClientHost,
			Assignments: names.assignment(g.ProtocolType, m.MemberAssignment),
		}
		member.Subscribed, member.SubscriptionKnown = names.subscription(g.ProtocolType, m.ProtocolMetadata)
		d.Members = append(d.Members, member)
	}
	return d
}

// classicKind tells groups whose consumers assign partitions among themselves from
// those that only commit: the latter have no protocol.
func classicKind(g *kmsg.DescribeGroupsResponseGroup) lag.GroupKind {
	switch {
	case g.State == StateDead:
		return lag.KindUnknown
	case g.ProtocolType == "":
		return lag.KindSimple
	default:
		return lag.KindClassic
	}
}

func sorted(parts []lag.TopicPartitions) []lag.TopicPartitions {
	parts = distinct(parts)
	slices.SortFunc(parts, func(a, b lag.TopicPartitions) int { return strings.Compare(a.Topic, b.Topic) })
	return parts
}
