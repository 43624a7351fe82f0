package kafkabroker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"
)

// pollEvery is how often a state that must come is asked for.
const pollEvery = 50 * time.Millisecond

// waitServing returns when each running broker answers and lists all running
// brokers. An accepted connection would not do: a broker listens long before it
// is registered.
func (c *Cluster) waitServing(ctx context.Context) error {
	running := c.running()
	group, ctx := errgroup.WithContext(ctx)
	for _, b := range running {
		group.Go(func() error {
			client, err := kgo.NewClient(kgo.SeedBrokers(b.Address(Plaintext)), kgo.RequestRetries(0))
			if err != nil {
				return err
			}
			defer client.Close()
			return c.waitListed(ctx, client, b, running)
		})
	}
	return group.Wait()
}

func (c *Cluster) waitListed(ctx context.Context, client *kgo.Client, asked *Node, want []*Node) error {
	for {
		listed, err := brokerIDs(ctx, client)
		missing := slices.DeleteFunc(slices.Clone(want), func(n *Node) bool { return slices.Contains(listed, n.ID) })
		if err == nil && len(missing) == 0 {
			return nil
		}
		for _, n := range c.nodes() {
			if err := n.ended(); err != nil {
				return clash(err)
			}
		}
		if ctxErr := pause(ctx, pollEvery); ctxErr != nil {
			return fmt.Errorf("%s lists the brokers %v of %d (%w); its log says\n%s",
				asked.name, listed, len(want), errors.Join(err, ctxErr), asked.excerpt())
		}
	}
}

// brokerIDs asks the client's one seed broker which brokers there are.
func brokerIDs(ctx context.Context, client *kgo.Client) ([]int32, error) {
	metadata, err := askSeed(ctx, client)
	if err != nil {
		return nil, err
	}
	var ids []int32
	for _, b := range metadata.Brokers {
		ids = append(ids, b.NodeID)
	}
	return ids, nil
}

// askSeed gets metadata from the client's one seed broker, and from no other, as
// the client by itself would.
func askSeed(ctx context.Context, client *kgo.Client, topics ...string) (*kmsg.MetadataResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{} // nil would be all
	for _, topic := range topics {
		request.Topics = append(request.Topics, kmsg.MetadataRequestTopic{Topic: new(topic)})
	}
	answer, err := client.SeedBrokers()[0].Request(ctx, request)
	if err != nil {
		return nil, err
	}
	metadata, ok := answer.(*kmsg.MetadataResponse)
	if !ok {
		return nil, fmt.Errorf("unexpected answer %T", answer)
	}
	return metadata, nil
}

// waitSeen waits until every running broker, asked by itself, shows topics as they should be.
func (c *Cluster) waitSeen(ctx context.Context, topics []string, right func(*kmsg.MetadataResponse) bool) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, b := range c.running() {
		group.Go(func() error {
			client, err := kgo.NewClient(kgo.SeedBrokers(b.Address(Plaintext)), kgo.RequestRetries(0))
			if err != nil {
				return err
			}
			defer client.Close()
			err = until(ctx, func() (bool, error) {
				metadata, err := askSeed(ctx, client, topics...)
				return err == nil && right(metadata), nil
			})
			if err != nil {
				return fmt.Errorf("wait for what %s says of topics %v: %w", b.name, topics, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// warmUp has the topic of committed offsets made, and returns when each of its
// partitions has a coordinator at work. The names' last digits put one group on
// each: a group's partition is its name's Java hash modulo their number.
func (c *Cluster) warmUp(ctx context.Context) error {
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		var groups []string
		for i := range offsetsPartitions {
			groups = append(groups, fmt.Sprintf("warm-up-%d", i))
		}
		for {
			var errs []error
			for _, answer := range admin.FetchManyOffsets(ctx, groups...) {
				errs = append(errs, answer.Err)
			}
			err := errors.Join(errs...)
			if err == nil {
				return nil
			}
			if ctxErr := pause(ctx, pollEvery); ctxErr != nil {
				return fmt.Errorf("groups have no coordinator yet: %w: %w", ctxErr, err)
			}
		}
	})
}

func (c *Cluster) running() []*Node {
	return slices.DeleteFunc(c.Brokers(), func(n *Node) bool { return !n.Running() })
}
