package trigger_test

import (
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// many joins n elements.
func many(n int, element func(int) string) string {
	elements := make([]string, n)
	for i := range elements {
		elements[i] = element(i)
	}
	return strings.Join(elements, ",")
}

func topicN(i int) string { return fmt.Sprintf("t%d", i) }

func groupN(i int) string { return fmt.Sprintf("g%d", i) }

func hostN(i int) string { return fmt.Sprintf("kafka-%d:9092", i) }

// TestBounds: what is within a bound is taken, and one more is refused with a text that has the bound in it.
func TestBounds(t *testing.T) {
	idN := func(i int) string { return fmt.Sprint(2 * i) }
	for name, test := range map[string]struct {
		within, beyond map[string]string
		says           string
	}{
		"topics": {
			map[string]string{"topic": many(1000, topicN)},
			map[string]string{"topic": many(1001, topicN)},
			"names 1001 topics, and a trigger may have 1000 (split it into several triggers)",
		},
		"groups": {
			map[string]string{"consumerGroup": many(20, groupN)},
			map[string]string{"consumerGroup": many(21, groupN)},
			"names 21 groups, and a trigger may have 20 (split it into several triggers)",
		},
		"groups x topics": {
			map[string]string{"consumerGroup": many(10, groupN), "topic": many(500, topicN)},
			map[string]string{"consumerGroup": many(10, groupN), "topic": many(501, topicN)},
			"topic: 10 groups and 501 topics make 5010 pairs, and a trigger may have 5000 (split it into several triggers)",
		},
		"addresses": {
			map[string]string{"bootstrapServers": many(20, hostN)},
			map[string]string{"bootstrapServers": many(21, hostN)},
			"names 21 addresses, and a trigger may have 20 (name a few; one that answers is enough)",
		},
		"partition ranges": {
			map[string]string{"partitionLimitation": many(1000, idN)},
			map[string]string{"partitionLimitation": many(1001, idN)},
			"names 1001 partition ids and ranges, and a trigger may have 1000 (write ranges such as 10-20)",
		},
		"bytes": {
			map[string]string{"awsRegion": strings.Repeat("x", 60_000)},
			map[string]string{"awsRegion": strings.Repeat("x", 70_000)},
			"metadata: has 70067 bytes, and a trigger may have 65536 (split it into several triggers, or name topics with topicRegex)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			with := func(extra map[string]string) error {
				metadata := base()
				maps.Copy(metadata, extra)
				_, err := trigger.Parse(metadata)
				return err
			}
			if err := with(test.within); err != nil {
				t.Errorf("within the bound: %v", err)
			}
			if err := with(test.beyond); err == nil || len(problems(t, err)) != 1 || !strings.HasSuffix(problems(t, err)[0].String(), test.says) {
				t.Errorf("beyond the bound: %v, want it to say %q", err, test.says)
			}
		})
	}
	metadata := base()
	for i := range 98 {
		metadata[fmt.Sprintf("k%d", i)] = ""
	}
	_, err := trigger.Parse(metadata)
	if want := "metadata: has 101 keys, and a trigger may have 100 (split it"; err == nil || !strings.HasPrefix(problems(t, err)[0].String(), want) {
		t.Errorf("101 keys: %v, want %q", err, want)
	}
}

func TestMetricNameIsBounded(t *testing.T) {
	name := func(key, value string) string {
		metadata := base()
		metadata[key] = value
		if key == "consumerGroup" {
			delete(metadata, "topic")
		}
		parsed, err := trigger.Parse(metadata)
		if err != nil {
			t.Fatal(err)
		}
		return parsed.MetricName
	}
	longest := strings.Repeat("t", 249)
	if got := name("topic", longest); got != "kafka-"+longest {
		t.Errorf("one topic is called %q", got)
	}
	a, b := name("topic", many(200, topicN)), name("topic", many(201, topicN))
	if len(a) != 300 || len(b) != 300 || a == b || a[:287] != b[:287] || !strings.HasPrefix(a, "kafka-t0,t1,") {
		t.Errorf("many topics are called %q and %q", a, b)
	}
	if got := name("consumerGroup", strings.Repeat("ß", 400)); len(got) > 300 || strings.Contains(got, "\ufffd") || !strings.HasPrefix(got, "kafka-ßß") {
		t.Errorf("a long group is called %q", got)
	}
}

// hostile is metadata up to the size of a request, made to cost as much as possible.
func hostile() map[string]map[string]string {
	manyKeys := base()
	for i := range 20_000 {
		manyKeys[fmt.Sprintf("bootstrapserver%d", i)] = "x"
	}
	fewKeys := base()
	for i := range 90 {
		fewKeys[fmt.Sprintf("%02d%s", i, strings.Repeat("lagThreshold", 50))] = "x"
	}
	wrong := base()
	for _, p := range trigger.Parameters() {
		wrong[p.Name] = strings.Repeat("\U000e0001,", 120)
	}
	with := func(key, value string) map[string]string {
		metadata := base()
		if key == "topicRegex" {
			delete(metadata, "topic")
		}
		metadata[key] = value
		return metadata
	}
	pairs := with("topic", many(58_000, func(i int) string { return fmt.Sprint(i) }))
	pairs["consumerGroup"] = many(20, groupN)
	return map[string]map[string]string{
		"topics x groups":         pairs,
		"unknown keys":            manyKeys,
		"long keys":               fewKeys,
		"all wrong":               wrong,
		"commas":                  with("topic", strings.Repeat(",a", 30_000)),
		"topics that are none":    with("topic", strings.Repeat("a/,", 21_000)),
		"partitions":              with("partitionLimitation", strings.Repeat("0-2000000000,", 5000)),
		"partitions that are not": with("partitionLimitation", strings.Repeat("-,", 32_000)),
		"addresses":               with("bootstrapServers", many(4000, hostN)),
		"version":                 with("version", strings.Repeat("1.", 32_000)),
		"long expression":         with("topicRegex", strings.Repeat("(a|b)", 10_000)),
		"copies":                  with("topicRegex", "(?:"+strings.Repeat("a", 1000)+"){1000}"),
		"classes":                 with("topicRegex", "(?i)["+strings.Repeat(`\pL\PN`, 160)+"]{1000}"),
		"nested":                  with("topicRegex", strings.Repeat("(", 500)+"a"+strings.Repeat(")", 500)),
		"alternatives":            with("topicRegex", "(?:.?.?.?.?){1000}Z"),
		"request":                 with("awsRegion", strings.Repeat("x", 256<<10)),
	}
}

// TestHostileMetadataIsCheap: neither memory nor text grows with what a request has room for.
func TestHostileMetadataIsCheap(t *testing.T) {
	const mostBytes, mostText = 8 << 20, 32 << 10
	for name, metadata := range hostile() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := trigger.Parse(metadata)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > mostBytes {
				t.Errorf("%d bytes allocated", took)
			} else {
				t.Logf("%d bytes", took)
			}
			if err != nil && len(err.Error()) > mostText {
				t.Errorf("an error of %d bytes", len(err.Error()))
			} else if err != nil {
				t.Logf("error: %d bytes", len(err.Error()))
			}
		})
	}
}
