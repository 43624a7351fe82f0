package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// metadataVersions: from 4 on a request can say that topics must not be created
// by asking for them; 13 adds an error that only matters to clients that cannot
// go back to their bootstrap servers by themselves.
var metadataVersions = span{4, 12}

// Topics describes the named topics, each once and in their order, or, for nil,
// all topics that the principal may describe. A topic that cannot be described
// carries an error; an error of the call, a *fault.Error, means that no broker
// could be asked. Empty names that are not nil ask for no topic: the call then
// only tells whether the cluster answers.
func (c *Client) Topics(ctx context.Context, names []string) ([]lag.Topic, error) {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return nil, failure("describe topics of", c.cluster(), err)
	}
	defer end()
	answers, err := c.metadata(ctx, names)
	if err != nil {
		return nil, failure("describe topics of", c.cluster(), err)
	}
	if names == nil {
		topics := make([]lag.Topic, 0, len(answers))
		for i := range answers {
			topics = append(topics, described(*answers[i].Topic, &answers[i]))
		}
		return topics, nil
	}
	byName := make(map[string]*kmsg.MetadataResponseTopic, len(answers))
	for i := range answers {
		byName[*answers[i].Topic] = &answers[i]
	}
	topics := make([]lag.Topic, 0, len(names))
	for _, name := range unique(names) {
		topics = append(topics, described(name, byName[name]))
	}
	return topics, nil
}

func described(name string, t *kmsg.MetadataResponseTopic) lag.Topic {
	object := fmt.Sprintf("topic %q", name)
	switch {
	case t == nil:
		return lag.Topic{Name: name, Err: failure("describe", object, errors.New("the broker left it out of its answer"))}
	case t.ErrorCode == unknownTopicOrPartition:
		return lag.Topic{Name: name, Err: failure("describe", object, fmt.Errorf("it does not exist, or may not be seen: %w", Code(t.ErrorCode)))}
	case t.ErrorCode != 0:
		return lag.Topic{Name: name, Err: codeFailure("describe", object, t.ErrorCode)}
	}
	topic := lag.Topic{Name: name, ID: t.TopicID, Internal: t.IsInternal, Partitions: make([]int32, len(t.Partitions))}
	told := false
	for i := range t.Partitions {
		topic.Partitions[i] = t.Partitions[i].Partition
		told = told || t.Partitions[i].LeaderEpoch != lag.NoLeaderEpoch
	}
	if told {
		topic.LeaderEpochs = make([]int32, len(t.Partitions))
		for i := range t.Partitions {
			topic.LeaderEpochs[i] = t.Partitions[i].LeaderEpoch
		}
	}
	return topic
}

// metadata asks any broker for topics and learns the routes from the answer.
func (c *Client) metadata(ctx context.Context, names []string) ([]kmsg.MetadataResponseTopic, error) {
	if len(names) == 0 {
		return c.metadataOf(ctx, names)
	}
	var answers []kmsg.MetadataResponseTopic
	for chunk := range c.chunkNames(unique(names)) {
		part, err := c.metadataOf(ctx, chunk)
		if err != nil {
			return nil, err
		}
		answers = append(answers, part...)
	}
	return answers, nil
}

func (c *Client) metadataOf(ctx context.Context, names []string) ([]kmsg.MetadataResponseTopic, error) {
	readAt := time.Now()
	resp, err := c.askAny(ctx, func() kmsg.Request { return metadataRequest(names) }, metadataVersions)
	if err != nil {
		return nil, err
	}
	answer := resp.(*kmsg.MetadataResponse)
	tidy(answer)
	addresses := addressesOf(answer)
	c.routes.update(answer, addresses, readAt)
	if len(addresses) > 0 {
		c.forget(addresses)
	}
	return slices.DeleteFunc(answer.Topics, func(t kmsg.MetadataResponseTopic) bool { return t.Topic == nil }), nil
}

// reliableEpochs is the first version of Metadata whose leader epochs can be relied
// on: brokers before 2.4 may name an old one for as long as a reassignment lasts
// (KAFKA-9212), and refuse whoever sends it back.
const reliableEpochs = 9

// tidy puts the partitions of topics in order, and takes away the epochs that cannot be relied on.
func tidy(answer *kmsg.MetadataResponse) {
	for i := range answer.Topics {
		partitions := answer.Topics[i].Partitions
		for j := range partitions {
			if partitions[j].LeaderEpoch < 0 || answer.Version < reliableEpochs {
				partitions[j].LeaderEpoch = lag.NoLeaderEpoch
			}
		}
		slices.SortFunc(partitions, func(a, b kmsg.MetadataResponseTopicPartition) int { return cmp.Compare(a.Partition, b.Partition) })
	}
}

func addressesOf(answer *kmsg.MetadataResponse) map[int32]string {
	addresses := make(map[int32]string, len(answer.Brokers))
	for _, b := range answer.Brokers {
		addresses[b.NodeID] = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
	}
	return addresses
}

func metadataRequest(names []string) kmsg.Request {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	if names == nil {
		return req // null: all topics
	}
	req.Topics = make([]kmsg.MetadataRequestTopic, len(names))
	for i := range names {
		req.Topics[i].Topic = &names[i]
	}
	return req
}

// chunkNames splits names into what one request may hold.
func (c *Client) chunkNames(names []string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		start, bytes := 0, 0
		for i, name := range names {
			bytes += len(name) + 20 // its id and its lengths
			if i-start == c.cfg.MaxPartitionsPerRequest || bytes > maxRequestBytes && i > start {
				if !yield(names[start:i]) {
					return
				}
				start, bytes = i, len(name)+20
			}
		}
		if start < len(names) {
			yield(names[start:])
		}
	}
}

// unique returns names in their order, each once.
func unique(names []string) []string {
	seen := make(map[string]struct{}, len(names))
	kept := make([]string, 0, len(names))
	for _, name := range names {
		if _, again := seen[name]; !again {
			seen[name] = struct{}{}
			kept = append(kept, name)
		}
	}
	return kept
}
