package kafka

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/guard"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// From version 4 on one FindCoordinator takes many groups; newer ones only add kinds of
// groups that we do not ask for. One for a single group is kafka-go's.
var (
	findCoordinatorsVersions = transport.Between(4, 5)
	findCoordinatorVersions  = transport.Between(1, 2)
)

// Bounds of the groups whose coordinators are remembered.
const (
	maxCoordinators      = 50_000
	maxCoordinatorsBytes = 16 << 20
)

// coordinator is the broker that coordinates a group.
type coordinator struct {
	node int32
	addr string
}

func (c *Client) keepCoordinator(group string, at coordinator) {
	c.coordinators.put(group, at, len(at.addr), time.Now())
}

// findCoordinators looks up the coordinators of groups that are not remembered,
// in one request where the broker can. It returns why the others have none.
func (c *Client) findCoordinators(ctx context.Context, groups []string) map[string]error {
	var failed sync.Map
	var finding sync.WaitGroup
	for chunk := range chunkNames(groups, c.cfg.MaxGroupsPerRequest) {
		c.guard.Start(&finding, "find coordinators", func() {
			for group, err := range c.findTogether(ctx, chunk) {
				failed.Store(group, err)
			}
		})
	}
	finding.Wait()
	errs := map[string]error{}
	failed.Range(func(group, err any) bool {
		errs[group.(string)] = err.(error)
		return true
	})
	return errs
}

// findTogether asks for many groups at once, or, where the broker is too old, for one after the other.
func (c *Client) findTogether(ctx context.Context, groups []string) map[string]error {
	_, resp, err := c.askAny(ctx, func() kmsg.Request {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKeys = groups
		return req
	}, findCoordinatorsVersions)
	var version *transport.VersionError
	switch {
	case errors.As(err, &version):
		return c.findEach(ctx, groups)
	case err != nil:
		return all(groups, err)
	}
	answers := resp.(*kmsg.FindCoordinatorResponse).Coordinators
	byGroup := make(map[string]*kmsg.FindCoordinatorResponseCoordinator, len(answers))
	for i := range answers {
		byGroup[answers[i].Key] = &answers[i]
	}
	errs := map[string]error{}
	same := map[coordinator]coordinator{} // those of many groups share their address
	for _, group := range groups {
		switch found := byGroup[group]; {
		case found == nil:
			errs[group] = errLeftOut
		case found.ErrorCode != 0:
			errs[group] = wire.WithMessage(found.ErrorCode, deref(found.ErrorMessage))
		case len(found.Host) > maxHost:
			errs[group] = wire.TooLarge("bytes in the name of a host", maxHost)
		default:
			at := coordinatorAt(found.NodeID, found.Host, found.Port)
			if _, known := same[at]; !known {
				same[at] = at
			}
			c.keepCoordinator(group, same[at])
		}
	}
	return errs
}

func (c *Client) findEach(ctx context.Context, groups []string) map[string]error {
	var mu sync.Mutex
	errs := map[string]error{}
	guard.InParallel(c.guard, "find coordinators", c.cfg.MaxConnectionsPerBroker, groups, func(group string) {
		if err := c.findOne(ctx, group); err != nil {
			mu.Lock()
			defer mu.Unlock()
			errs[group] = err
		}
	})
	return errs
}

func (c *Client) findOne(ctx context.Context, group string) error {
	asked, _, err := c.askAny(ctx, func() kmsg.Request { return transport.NewMessage(&findcoordinator.Request{Key: group}) }, findCoordinatorVersions)
	if err != nil {
		return err
	}
	found := asked.(*transport.Message).Answer.(*findcoordinator.Response)
	if found.ErrorCode != 0 {
		return wire.WithMessage(found.ErrorCode, found.ErrorMessage)
	}
	if len(found.Host) > maxHost {
		return wire.TooLarge("bytes in the name of a host", maxHost)
	}
	c.keepCoordinator(group, coordinatorAt(found.NodeID, found.Host, found.Port))
	return nil
}

func coordinatorAt(node int32, host string, port int32) coordinator {
	return coordinator{node: node, addr: net.JoinHostPort(host, strconv.Itoa(int(port)))}
}

// coordinatorBroker returns the broker of a coordinator. Metadata may know a newer address of it.
func (c *Client) coordinatorBroker(at coordinator) *transport.Broker {
	if addr, ok := c.routes.address(at.node); ok {
		at.addr = addr
	}
	return c.brokers.at(at.addr, at.node)
}

func all(groups []string, err error) map[string]error {
	errs := make(map[string]error, len(groups))
	for _, group := range groups {
		errs[group] = err
	}
	return errs
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
