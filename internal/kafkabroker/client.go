package kafkabroker

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// patience bounds a helper's work where its caller has set no deadline.
const patience = 60 * time.Second

// newClient makes a client that knows the brokers that run.
func (c *Cluster) newClient(opts ...kgo.Opt) (*kgo.Client, error) {
	var seeds []string
	for _, b := range c.running() {
		seeds = append(seeds, b.Address(Plaintext))
	}
	if len(seeds) == 0 {
		return nil, errors.New("no broker is running")
	}
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(seeds...),
		kgo.ClientID("kafkabroker"),
		kgo.MetadataMinAge(100 * time.Millisecond),
	}, opts...)...)
}

// withAdmin does one thing through an admin client of its own.
func (c *Cluster) withAdmin(ctx context.Context, do func(context.Context, *kadm.Client) error) error {
	ctx, cancel := withPatience(ctx)
	defer cancel()
	client, err := c.newClient()
	if err != nil {
		return err
	}
	defer client.Close()
	return do(ctx, kadm.NewClient(client))
}

func withPatience(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, bounded := ctx.Deadline(); bounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, patience)
}

// until asks again and again until done returns true or an error, or ctx ends.
func until(ctx context.Context, done func() (bool, error)) error {
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}
