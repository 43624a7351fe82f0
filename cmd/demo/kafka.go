package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

const adminTimeout = 15 * time.Second

// kafka is the cluster of the demo, and its topic and group there.
type kafka struct {
	servers      []string
	topic, group string
	fake         *kfake.Cluster // nil for a real cluster
	client       *kgo.Client
	admin        *kadm.Client
}

// openKafka starts the embedded broker, or reaches the real cluster, and creates the topic. It takes
// nothing over that is already there.
func openKafka(ctx context.Context, o *options) (*kafka, error) {
	k := &kafka{servers: o.bootstrap, topic: o.topic, group: o.group}
	if len(k.servers) == 0 {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			return nil, fmt.Errorf("start the embedded broker: %w", err)
		}
		k.fake, k.servers = fake, fake.ListenAddrs()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.servers...), kgo.ClientID("kafka-scaler-demo"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		k.closeBroker()
		return nil, fmt.Errorf("--bootstrap-servers %s: %w", strings.Join(k.servers, ","), err)
	}
	k.client, k.admin = client, kadm.NewClient(client)
	if err := k.createTopic(ctx, o.partitions); err != nil {
		k.client.Close()
		k.closeBroker()
		return nil, err
	}
	return k, nil
}

func (k *kafka) createTopic(ctx context.Context, partitions int32) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	listed, err := k.admin.ListGroups(ctx)
	if err != nil {
		return fmt.Errorf("list the groups on %s: %w; the demo needs a plaintext listener", strings.Join(k.servers, ","), err)
	}
	if slices.Contains(listed.Groups(), k.group) {
		return fmt.Errorf("group %s is already there; the demo takes nothing over, so give it another --group", k.group)
	}
	_, err = k.admin.CreateTopic(ctx, partitions, -1, nil, k.topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("topic %s is already there; the demo takes nothing over, so give it another --topic", k.topic)
	}
	if err != nil {
		return fmt.Errorf("create topic %s: %w", k.topic, err)
	}
	return nil
}

// members asks the group's coordinator how many members it has.
func (k *kafka) members(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	described, err := k.admin.DescribeGroups(ctx, k.group)
	if err != nil {
		return 0, err
	}
	return len(described[k.group].Members), nil
}

// close deletes what openKafka made, and ends what it started.
func (k *kafka) close() error {
	defer k.closeBroker()
	defer k.client.Close()
	if k.fake != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	_, errTopic := k.admin.DeleteTopic(ctx, k.topic)
	if errTopic != nil {
		errTopic = fmt.Errorf("delete topic %s: %w", k.topic, errTopic)
	}
	_, errGroup := k.admin.DeleteGroup(ctx, k.group)
	if errors.Is(errGroup, kerr.GroupIDNotFound) {
		errGroup = nil
	}
	if errGroup != nil {
		errGroup = fmt.Errorf("delete group %s: %w", k.group, errGroup)
	}
	return errors.Join(errTopic, errGroup)
}

func (k *kafka) closeBroker() {
	if k.fake != nil {
		k.fake.Close()
	}
}
