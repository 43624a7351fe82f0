package kafkabroker

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
)

// AddUser adds a SCRAM user, or changes its password, on a running cluster. Such a
// user cannot log in with PLAIN.
func (c *Cluster) AddUser(ctx context.Context, name, password string) error {
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		// A request may name a user once only.
		for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
			answers, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{
				{User: name, Password: password, Mechanism: mechanism, Iterations: 4096},
			})
			if err == nil {
				err = answers.Error()
			}
			if err != nil {
				return fmt.Errorf("add user %s: %w", name, err)
			}
		}
		return nil
	})
}

// AllowTopic lets a principal, such as User:scaler, do operations on a topic.
func (c *Cluster) AllowTopic(ctx context.Context, principal, topic string, operations ...kadm.ACLOperation) error {
	return c.allow(ctx, kadm.NewACLs().Topics(topic), principal, operations)
}

// AllowGroup lets a principal do operations on a consumer group.
func (c *Cluster) AllowGroup(ctx context.Context, principal, group string, operations ...kadm.ACLOperation) error {
	return c.allow(ctx, kadm.NewACLs().Groups(group), principal, operations)
}

func (c *Cluster) allow(ctx context.Context, on *kadm.ACLBuilder, principal string, operations []kadm.ACLOperation) error {
	rule := on.Allow(principal).AllowHosts("*").Operations(operations...).ResourcePatternType(kadm.ACLPatternLiteral)
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		answers, err := admin.CreateACLs(ctx, rule)
		if err != nil {
			return fmt.Errorf("allow %s: %w", principal, err)
		}
		for _, answer := range answers {
			if answer.Err != nil {
				return fmt.Errorf("allow %s %s on %s: %w", principal, answer.Operation, answer.Name, answer.Err)
			}
		}
		return nil
	})
}

// Forbid takes back everything that was allowed to a principal.
func (c *Cluster) Forbid(ctx context.Context, principal string) error {
	everything := kadm.NewACLs().AnyResource().Allow(principal).AllowHosts().Operations(kadm.OpAny).ResourcePatternType(kadm.ACLPatternAny)
	return c.withAdmin(ctx, func(ctx context.Context, admin *kadm.Client) error {
		answers, err := admin.DeleteACLs(ctx, everything)
		if err != nil {
			return fmt.Errorf("forbid %s: %w", principal, err)
		}
		for _, answer := range answers {
			if answer.Err != nil {
				return fmt.Errorf("forbid %s: %w", principal, answer.Err)
			}
		}
		return nil
	})
}
