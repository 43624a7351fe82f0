package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// Version 0 of ShareGroupDescribe was for trying out only.
var shareGroupDescribeVersions = transport.Between(1, 1)

var errSlow = errors.New("the broker answers too slowly to be asked more than it has to be")

// describeShare asks about a group that is none of the older kinds, and returns
// what is known so far where it is no share group either.
func describeShare(ctx context.Context, b *transport.Broker, group string, sofar GroupDescription) GroupDescription {
	req := kmsg.NewPtrShareGroupDescribeRequest()
	req.GroupIDs = []string{group}
	resp, err := b.RequestForPeople(ctx, req, shareGroupDescribeVersions)
	if err != nil {
		return sofar
	}
	groups := resp.(*kmsg.ShareGroupDescribeResponse).Groups
	if len(groups) != 1 || groups[0].ErrorCode != 0 {
		return sofar
	}
	d := GroupDescription{State: groups[0].GroupState, Kind: lag.KindShare}
	for i := range groups[0].Members {
		m := &groups[0].Members[i]
		d.Members = append(d.Members, GroupMember{
			MemberID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost, Subscribed: m.SubscribedTopicNames, SubscriptionKnown: true,
		})
	}
	return d
}

// GroupView asks the group's coordinator what the group is and what its members
// subscribe to. Why that is not known is in its Err, a *fault.Error. A coordinator
// that answers slowly is not asked: it has its connections for the offsets.
func (c *Client) GroupView(ctx context.Context, group string) lag.GroupView {
	if at, known := c.coordinators.get(group, time.Now()); known {
		if b := c.coordinatorBroker(at); b.Slow() {
			return lag.GroupView{Group: lag.Group{Name: group, Members: -1, Err: failure("describe", fmt.Sprintf("group %q on %s", group, b.Name()), errSlow)}}
		}
	}
	d, err := c.DescribeGroup(ctx, group)
	v := lag.GroupView{Group: lag.Group{Name: group, Kind: d.Kind, State: d.State, Members: len(d.Members), Err: err}}
	if err != nil {
		v.Members = -1
		return v
	}
	v.Complete = len(d.Members) > 0
	for _, m := range d.Members {
		v.Complete = v.Complete && m.SubscriptionKnown
		v.Subscribed = append(v.Subscribed, m.Subscribed...)
		for _, a := range m.Assignments {
			v.Subscribed = append(v.Subscribed, a.Topic)
		}
	}
	slices.Sort(v.Subscribed)
	v.Subscribed = slices.Compact(v.Subscribed)
	return v
}
