package hostile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/internal/hostilebroker"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

const (
	// evilNamespaces is how many tenants attack.
	evilNamespaces = 4
	// largest is the size of the largest metadata, in bytes: what the gRPC port takes, less some room for the rest.
	largest = 250 << 10
)

// dice draws what attackers ask. One goroutine uses it.
type dice struct {
	*rand.Rand
	inline []string                      // addresses of hostile brokers that triggers may bring
	byKind map[hostilebroker.Kind]string // the same, by kind
	names  []hostilebroker.Kind          // those that are configured
	kinds  []hostilebroker.Kind          // all
	serial int
	who    string
}

// pick returns one of all.
func pick[T any](d *dice, all ...T) T { return all[d.IntN(len(all))] }

// ref is a ScaledObject of an attacker, with a name that is new or not.
func (d *dice) ref(metadata map[string]string) *pb.ScaledObjectRef {
	d.serial++
	name := fmt.Sprintf("%s-%d", d.who, d.IntN(50))
	if d.IntN(2) == 0 {
		name = fmt.Sprintf("%s-new-%d", d.who, d.serial)
	}
	return &pb.ScaledObjectRef{Namespace: d.namespace(), Name: name, ScalerMetadata: metadata}
}

func (d *dice) namespace() string { return fmt.Sprintf("evil-%d", d.IntN(evilNamespaces)) }

// fresh is a name that was not used before.
func (d *dice) fresh(prefix string) string {
	d.serial++
	return fmt.Sprintf("%s-%s-%d", prefix, d.who, d.serial)
}

// cluster adds a cluster to metadata: the honest one, a hostile one, or addresses.
func (d *dice) cluster(metadata map[string]string) map[string]string {
	switch d.IntN(4) {
	case 0:
		metadata["cluster"] = sick(pick(d, d.names...))
	case 1:
		metadata["bootstrapServers"] = pick(d, d.inline...)
	default:
		metadata["cluster"] = "main"
	}
	return metadata
}

// list is a list of distinct names of so many bytes at most.
func (d *dice) list(prefix string, bytes int) string {
	var b strings.Builder
	for i := d.IntN(1000); b.Len() < bytes-len(prefix)-8; i++ {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(prefix)
		b.WriteString(strconv.Itoa(i))
	}
	return b.String()
}

func (d *dice) size() int { return pick(d, 1<<10, 16<<10, 36<<10, 128<<10, largest) }

// groups are one to twenty group ids.
func (d *dice) groups() string {
	names := make([]string, 1+d.IntN(20))
	for i := range names {
		names[i] = fmt.Sprintf("evil-group-%d", d.IntN(1000))
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ",")
}

// manyTopics is a trigger with as many topic names as fit, times its groups.
func (d *dice) manyTopics() map[string]string {
	return d.cluster(map[string]string{"topic": d.list("t", d.size()), "consumerGroup": d.groups()})
}

// partitions is a trigger with ranges of partitions.
func (d *dice) partitions() map[string]string {
	ranges := "0-2147483647"
	switch d.IntN(5) {
	case 0:
		ranges = "0-" + strconv.Itoa(d.IntN(1<<20))
	case 1:
		ranges = d.list("", d.size())
	case 2:
		ranges = "-1,99999999999999999999,5-1,1--2"
	case 3:
		ranges = "0-100000,50000-150000,2147483640-2147483647"
	}
	return d.cluster(map[string]string{"topic": honestTopic(d.IntN(honestTopics)), "consumerGroup": d.groups(), "partitionLimitation": ranges})
}

// regex is a trigger with an expression that costs.
func (d *dice) regex() map[string]string {
	expression := pick(d,
		`(?:.?.?.?.?){1000}Z`, `(?:.?){1000}(?:.?){1000}`, `((a*)*)*b`, `(?:(?:(?:x{10}){10}){10})`, `.*`, `(.*)(.*)(.*)(.*)(.*)Z`,
		`(?i)(?:[\pL\pN\pS]{0,100}){10}Z`, strings.Repeat(`[^a]?`, 200)+`Z`, strings.Repeat("(", 500), `(?:a|b|c|d|e|f){0,900}`,
		`honest-[0-9]+`, `(?:.?.?.?.?){`+strconv.Itoa(d.IntN(2000))+`}`, strings.Repeat("a", d.size()))
	return d.cluster(map[string]string{"topicRegex": expression, "consumerGroup": d.groups()})
}

// newGroup is a trigger that anybody could have, but for its group, which is new.
func (d *dice) newGroup() map[string]string {
	m := map[string]string{"consumerGroup": d.fresh("g")}
	if d.IntN(3) > 0 {
		m["topic"] = honestTopic(d.IntN(honestTopics))
	}
	if d.IntN(3) > 0 {
		m["cluster"] = "main"
		return m
	}
	return d.cluster(m)
}

// addresses is a trigger with addresses of its own: some of the hostile brokers in
// any order, places where nobody listens, or as many as fit.
func (d *dice) addresses() map[string]string {
	m := map[string]string{"topic": "hostile-0", "consumerGroup": d.groups()}
	switch d.IntN(6) {
	case 0:
		m["bootstrapServers"] = d.list("127.0.0.1:1", d.size())
	case 1:
		m["bootstrapServers"] = pick(d, "", ",", ":", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "[::1]:1", "127.0.0.1:1\n127.0.0.1:2", "127.0.0.1:1,,,", "\x1b[2J:9092", "*:9092")
	default:
		some := slices.Clone(d.inline)
		d.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		some = some[:1+d.IntN(min(25, len(some)))]
		if d.IntN(3) == 0 {
			some = append(some, "127.0.0.1:1", "LOCALHOST:2")
		}
		m["bootstrapServers"] = strings.Join(some, ",")
	}
	if d.IntN(8) == 0 {
		m["tls"] = "enable"
	}
	return m
}

// anything is a trigger with random parameters and values.
func (d *dice) anything() map[string]string {
	m := d.cluster(map[string]string{"consumerGroup": d.groups(), "topic": pick(d, honestTopic(d.IntN(honestTopics)), "hostile-0", "")})
	known := trigger.Parameters()
	for range d.IntN(8) {
		p := known[d.IntN(len(known))]
		values := append([]string{"", "0", "1", "-1", "9223372036854775807", "1e9", "true", "24h", "-5m", "\u202e", " x ", d.text()}, p.Values...)
		m[p.Name] = pick(d, values...)
	}
	for range d.IntN(3) {
		m[d.text()] = d.text()
	}
	return m
}

// text is valid UTF-8 with whatever a terminal or a log might stumble over.
func (d *dice) text() string {
	runes := make([]rune, d.IntN(pick(d, 4, 40, 4000)))
	for i := range runes {
		runes[i] = pick(d, 'a', '0', ',', '\n', '\r', '\x00', '\x1b', '\u202e', '\u2028', '"', '{', '%', '\\', '\U0001F4A9', rune(d.IntN(0xD000)))
	}
	return string(runes)
}
