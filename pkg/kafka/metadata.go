package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// metadataVersions: from 4 on a request can say that topics must not be created
// by asking for them; 13 adds an error that only matters to clients that cannot
// go back to their bootstrap servers by themselves.
var metadataVersions = transport.Between(4, 12)

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
	c.routes.describe(answers, time.Now())
	if names == nil {
		topics := make([]lag.Topic, 0, len(answers))
		for i := range answers {
			topics = append(topics, described(answers[i].name, &answers[i]))
		}
		return topics, nil
	}
	byName := make(map[string]*topicAnswer, len(answers))
	for i := range answers {
		byName[answers[i].name] = &answers[i]
	}
	topics := make([]lag.Topic, 0, len(names))
	for _, name := range unique(names) {
		topics = append(topics, described(name, byName[name]))
	}
	return topics, nil
}

func described(name string, t *topicAnswer) lag.Topic {
	object := fmt.Sprintf("topic %q", name)
	switch {
	case t == nil:
		return lag.Topic{Name: name, Err: failure("describe", object, errors.New("the broker left it out of its answer"))}
	case errors.Is(t.err, wire.Code(wire.UnknownTopicOrPartition)):
		return lag.Topic{Name: name, Err: failure("describe", object, fmt.Errorf("it does not exist, or may not be seen: %w", t.err))}
	case t.err != nil:
		return lag.Topic{Name: name, Err: failure("describe", object, t.err)}
	}
	topic := lag.Topic{Name: name, ID: t.id, Internal: t.internal, Partitions: make([]int32, len(t.leaders))}
	epochs, told := make([]int32, len(t.leaders)), false
	for i, l := range t.leaders {
		topic.Partitions[i], epochs[i] = l.partition, l.epoch
		told = told || l.epoch != lag.NoLeaderEpoch
	}
	if told {
		topic.LeaderEpochs = epochs
	}
	return topic
}

// metadata asks any broker for topics and learns the routes from the answer.
func (c *Client) metadata(ctx context.Context, names []string) ([]topicAnswer, error) {
	if len(names) == 0 {
		return c.metadataOf(ctx, names)
	}
	var answers []topicAnswer
	for chunk := range chunkNames(unique(names), c.cfg.MaxPartitionsPerRequest) {
		part, err := c.metadataOf(ctx, chunk)
		if err != nil {
			return nil, err
		}
		answers = append(answers, part...)
	}
	return answers, nil
}

func (c *Client) metadataOf(ctx context.Context, names []string) ([]topicAnswer, error) {
	readAt := time.Now()
	asked, _, err := c.askAny(ctx, func() kmsg.Request { return newMetadataQuery(names, c.turn.Of(ctx)) }, metadataVersions)
	if err != nil {
		return nil, err
	}
	answer := &asked.(*metadataQuery).answer
	c.routes.update(answer, readAt)
	if len(answer.brokers) > 0 {
		c.brokers.keep(answer.brokers)
	}
	c.verifyServers(answer.brokers)
	return answer.topics, nil
}

// chunkNames splits names into what one request may hold: at most so many.
func chunkNames(names []string, most int) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		start, bytes := 0, 0
		for i, name := range names {
			bytes += len(name) + 20 // its id and its lengths
			if i-start == most || bytes > maxRequestBytes && i > start {
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
