package hostile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/internal/hostilebroker"
	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

const (
	// attackTimeout bounds one call of an attacker.
	attackTimeout = 10 * time.Second
	// inFlight bounds the calls of one attack that wait for an answer.
	inFlight = 200
	// standing bounds the triggers that are asked about again, as KEDA's polls do.
	standing = 100
)

// attack is one way to do harm.
type attack struct {
	name string
	// every is the mean time between two of them, burst how many calls one is, and at most how many more at random.
	every time.Duration
	burst int
	// metadata makes the trigger of one call; nil where do does all itself.
	metadata func(*dice) map[string]string
	do       func(*attacker, context.Context)
}

// attacks are all that are made, at rates that some tenants of a cluster can reach.
func attacks() []attack {
	second := time.Second
	return []attack{
		{name: "many topics", every: second, burst: 1, metadata: (*dice).manyTopics},
		{name: "partition ranges", every: second, burst: 2, metadata: (*dice).partitions},
		{name: "expensive expressions", every: second, burst: 1, metadata: (*dice).regex},
		{name: "new groups", every: second, burst: 30, metadata: (*dice).newGroup},
		{name: "own addresses", every: second, burst: 5, metadata: (*dice).addresses},
		{name: "random parameters", every: second, burst: 10, metadata: (*dice).anything},
		{name: "triggers of one object", every: 5 * second, do: (*attacker).triggersOfOne},
		{name: "asked again", every: second, do: (*attacker).again},
		{name: "sick brokers", every: second / 2, do: (*attacker).sickBroker},
		{name: "explain", every: 2 * second, do: (*attacker).explain},
		{name: "streams of one trigger", every: 15 * second, do: (*attacker).streams},
		{name: "streams cut", every: 5 * second, do: (*attacker).streamsCut},
		{name: "spec streams", every: 10 * second, do: (*attacker).specStreams},
		{name: "odd names", every: 2 * second, do: (*attacker).oddNames},
		{name: "bad messages", every: second, do: (*attacker).badMessages},
		{name: "large headers", every: 3 * second, do: (*attacker).largeHeaders},
		{name: "calls at once", every: 10 * second, do: (*attacker).callsAtOnce},
		{name: "many connections", every: 10 * second, do: (*attacker).manyConnections},
		{name: "raw connections", every: 2 * second, do: (*attacker).rawConnections},
		{name: "other services", every: 2 * second, do: (*attacker).otherServices},
	}
}

// attacker makes one kind of attack. Its dice belong to its one goroutine; calls go on in others.
type attacker struct {
	*dice
	victim target
	notes  *notes
	conn   *grpc.ClientConn
	keda   pb.ExternalScalerClient
	own    kafkascalerv1.KafkaScalerServiceClient
	calls  sync.WaitGroup
	slots  chan struct{}
	// shared are triggers that are asked about again.
	shared *refs
}

// refs are the newest triggers of all attackers.
type refs struct {
	mu  sync.Mutex
	all []*pb.ScaledObjectRef
}

func (r *refs) add(ref *pb.ScaledObjectRef) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) >= standing {
		r.all = slices.Delete(r.all, 0, 1)
	}
	r.all = append(r.all, ref)
}

func (r *refs) draw(d *dice) *pb.ScaledObjectRef {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) == 0 {
		return nil
	}
	return r.all[d.IntN(len(r.all))]
}

// dial opens a connection of its own for an attacker.
func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
}

// makeAttack makes one kind of attack until ctx ends.
func (s *assault) makeAttack(ctx context.Context, number uint64, a attack) error {
	conn, err := dial(s.victim.GRPC)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	at := &attacker{
		dice:   s.brokers.dice(rand.New(rand.NewPCG(s.seed, number)), strings.ReplaceAll(a.name, " ", "-")),
		victim: s.victim, notes: s.notes, conn: conn,
		keda: pb.NewExternalScalerClient(conn), own: kafkascalerv1.NewKafkaScalerServiceClient(conn),
		slots: make(chan struct{}, inFlight), shared: s.shared,
	}
	defer at.calls.Wait()
	for pace.Sleep(ctx, time.Duration(at.ExpFloat64()*float64(a.every))) {
		if a.do != nil {
			a.do(at, ctx)
			continue
		}
		for range 1 + at.IntN(a.burst) {
			ref := at.ref(a.metadata(at.dice))
			if at.IntN(3) == 0 {
				at.shared.add(ref)
			}
			at.ask(ctx, a.name, ref, at.IntN(6))
		}
	}
	return nil
}

// in runs a call beside the others; one too many is left out.
func (at *attacker) in(ctx context.Context, kind string, call func(context.Context) error) {
	select {
	case at.slots <- struct{}{}:
	default:
		at.notes.count(kind+" (left out, too many are in flight)", 0)
		return
	}
	at.calls.Go(func() {
		defer func() { <-at.slots }()
		ctx, cancel := context.WithTimeout(ctx, attackTimeout)
		defer cancel()
		if err := call(ctx); ctx.Err() == nil || err == nil {
			at.notes.attack(kind, err)
			at.printable(kind, err)
		} else {
			at.notes.attack(kind, ctx.Err())
		}
	})
}

// ask asks one of the questions that there are about a trigger.
func (at *attacker) ask(ctx context.Context, kind string, ref *pb.ScaledObjectRef, question int) {
	at.in(ctx, kind, func(ctx context.Context) error {
		var err error
		switch question {
		case 0:
			_, err = at.keda.GetMetricSpec(ctx, ref)
		case 1:
			_, err = at.keda.IsActive(ctx, ref)
		case 2:
			_, err = at.own.Explain(ctx, &kafkascalerv1.ExplainRequest{Name: ref.GetName(), Namespace: ref.GetNamespace(), ScalerMetadata: ref.GetScalerMetadata()})
		case 3:
			err = at.watch(ctx, ref)
		default:
			_, err = at.keda.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: ref})
		}
		return err
	})
}

// watch holds a stream for a while.
func (at *attacker) watch(ctx context.Context, ref *pb.ScaledObjectRef) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	stream, err := at.keda.StreamIsActive(ctx, ref)
	for err == nil {
		_, err = stream.Recv()
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// printable notes an error whose text is more than text.
func (at *attacker) printable(kind string, err error) {
	if err == nil {
		return
	}
	text := status.Convert(err).Message()
	if strings.IndexFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
	}) >= 0 {
		at.notes.unprintable("%s: %q", kind, text)
	}
}

// again asks about triggers that were asked about before, as KEDA does.
func (at *attacker) again(ctx context.Context) {
	for range 5 {
		if ref := at.shared.draw(at.dice); ref != nil {
			at.ask(ctx, "asked again", ref, at.IntN(6))
		}
	}
}

// triggersOfOne asks about a hundred triggers of one ScaledObject.
func (at *attacker) triggersOfOne(ctx context.Context) {
	name := fmt.Sprintf("hydra-%d", at.IntN(3))
	for range 100 {
		ref := at.ref(map[string]string{"cluster": "main", "topic": honestTopic(at.IntN(honestTopics)), "consumerGroup": at.fresh("hydra")})
		ref.Name = name
		at.ask(ctx, "triggers of one object", ref, 4)
	}
}

// explain asks for explanations of triggers that nobody has.
func (at *attacker) explain(ctx context.Context) {
	for range 1 + at.IntN(100) {
		at.ask(ctx, "explain", at.ref(at.newGroup()), 2)
	}
}

// truthful are the kinds of hostile broker whose answers, where they are believed,
// have to come to their lag or more; else there has to be an error.
func truthful() []hostilebroker.Kind {
	return []hostilebroker.Kind{
		hostilebroker.Plausible, hostilebroker.WrongIDs, hostilebroker.Closes, hostilebroker.Chatty, hostilebroker.NeverAnswers,
		hostilebroker.OneByteASecond, hostilebroker.MovingLeaders, hostilebroker.ManyBrokers, hostilebroker.MillionTopics,
		hostilebroker.ForbiddenAddress, hostilebroker.OtherCluster, hostilebroker.OddVersions, hostilebroker.PartitionMillion,
		hostilebroker.StaleEpochs, hostilebroker.DuplicatePartitions, hostilebroker.FatMembers,
	}
}

// sickBroker asks about a topic of a hostile broker, in one of the ways that make the scaler read it.
func (at *attacker) sickBroker(ctx context.Context) {
	kind := pick(at.dice, at.kinds...)
	metadata := map[string]string{"topic": "hostile-0", "consumerGroup": at.groups(), "lagThreshold": "1", "allowIdleConsumers": "true"}
	switch at.IntN(6) {
	case 0:
		delete(metadata, "topic")
	case 1:
		delete(metadata, "topic")
		metadata["topicRegex"] = pick(at.dice, "hostile-.*", ".*", "t-[0-9]*7")
	case 2:
		delete(metadata, "lagThreshold")
		metadata["lagSecondsThreshold"] = "10"
	case 3:
		metadata["isolationLevel"] = "read_committed"
	}
	plain := metadata["topic"] != "" && metadata["lagThreshold"] != ""
	// Where its address may not be brought, it is configured.
	if address := at.byKind[kind]; address != "" && (at.IntN(2) == 0 || !slices.Contains(at.names, kind)) {
		metadata["bootstrapServers"] = address
	} else {
		metadata["cluster"] = sick(kind)
	}
	ref := at.ref(metadata)
	if at.IntN(3) == 0 {
		at.ask(ctx, "sick broker "+string(kind), ref, 3)
	}
	at.in(ctx, "sick broker "+string(kind), func(ctx context.Context) error {
		answer, err := at.keda.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: ref})
		if err != nil || !plain || !slices.Contains(truthful(), kind) {
			return err
		}
		if value := answer.GetMetricValues()[0].GetMetricValue(); value < hostilebroker.Lag {
			at.notes.lie("broker %s: the lag is at least %d, the answer for %v was %d", kind, hostilebroker.Lag, metadata, value)
		}
		return nil
	})
}
