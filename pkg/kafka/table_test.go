package kafka

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTableIsBounded(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	for name, test := range map[string]struct {
		most, mostBytes int
		pad             int // of each name
	}{
		"by number": {1000, 1 << 30, 0},
		"by bytes":  {1 << 30, 1 << 20, 10_000},
	} {
		t.Run(name, func(t *testing.T) {
			table := newTable[int](test.most, test.mostBytes)
			pad := strings.Repeat("x", test.pad)
			for i := range 10_000 {
				now := start.Add(time.Duration(i) * time.Millisecond)
				table.put(strconv.Itoa(i)+pad, i, 0, now)
				table.get("0"+pad, now) // somebody asks for this one all the time
				if n, bytes := table.size(); n > test.most || bytes > test.mostBytes {
					t.Fatalf("%d entries, %d bytes", n, bytes)
				}
			}
			for _, kept := range []int{0, 9999} {
				if v, ok := table.get(strconv.Itoa(kept)+pad, start); !ok || v != kept {
					t.Errorf("%d is forgotten", kept)
				}
			}
			if _, ok := table.get("1"+pad, start); ok {
				t.Error("what was asked for longest ago is there still")
			}
			for i := range 10_000 {
				table.drop(strconv.Itoa(i) + pad)
			}
			if n, bytes := table.size(); n != 0 || bytes != 0 {
				t.Errorf("%d entries, %d bytes in an empty table", n, bytes)
			}
		})
	}
}

func TestTableForgetsWhatNobodyAsksFor(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	table := newTable[int](1000, 1<<20)
	table.sweep(now)
	table.put("used", 1, 10, now)
	table.put("unused", 2, 10, now)
	for range 11 {
		now = now.Add(sweepEvery)
		table.sweep(now)
		if _, ok := table.get("used", now); !ok {
			t.Fatal("what is asked for is forgotten")
		}
	}
	if n, _ := table.size(); n != 1 {
		t.Errorf("%d entries after %v", n, 11*sweepEvery)
	}
	table.put("used", 3, 20, now)
	if _, bytes := table.size(); bytes != len("used")+20+entryBytes {
		t.Errorf("%d bytes after it was put again", bytes)
	}
}

// Whatever is asked once, of brokers that answer whatever they are asked, is not held for good.
func TestTablesOfTheClientAreBounded(t *testing.T) {
	c, err := New(Config{BootstrapServers: []string{"127.0.0.1:1"}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	long := strings.Repeat("g", 30_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 5000 {
		group := fmt.Sprint(long, i)
		c.keepCoordinator(group, coordinator{1, "kafka:9092"})
		c.shares.exclude([]string{group}, time.Now())
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 3*maxCoordinatorsBytes {
		t.Errorf("%d bytes are held for 5,000 groups with names of 30 kB", held)
	}
	for i := range maxCoordinators + 1000 {
		c.keepCoordinator(strconv.Itoa(i), coordinator{1, "kafka:9092"})
		c.shares.exclude([]string{strconv.Itoa(i)}, time.Now())
	}
	for name, table := range map[string]interface{ size() (int, int) }{"coordinators": c.coordinators, "no share groups": c.shares.none} {
		if n, bytes := table.size(); n > maxCoordinators || n < maxCoordinators/2 || bytes > maxCoordinatorsBytes {
			t.Errorf("%s: %d entries of %d bytes", name, n, bytes)
		}
	}
	for i := range maxBrokers + 1000 {
		c.coordinatorBroker(coordinator{int32(i), fmt.Sprint("kafka-", i, ":9092")})
	}
	if n := len(c.Stats()); n > maxBrokers || n < maxBrokers/2 {
		t.Errorf("%d brokers", n)
	}
	for i := range 100_000 {
		c.coordinatorBroker(coordinator{int32(i), fmt.Sprint(strings.Repeat("k", maxHost), i, ":9092")})
	}
	if n, bytes := c.brokers.table.size(); n > maxBrokers || bytes > maxBrokersBytes {
		t.Errorf("%d brokers of %d bytes", n, bytes)
	}
	for i := range maxTopics + 1000 {
		c.routes.update(&metadataAnswer{topics: []topicAnswer{{name: strconv.Itoa(i), leaders: make([]leader, 1)}}}, time.Now())
	}
	if n, bytes := c.routes.topics.size(); n > maxTopics || n < maxTopics/2 || bytes > maxRoutesBytes {
		t.Errorf("%d topics of %d bytes", n, bytes)
	}
	for i := range 100 {
		c.routes.update(&metadataAnswer{topics: []topicAnswer{{name: fmt.Sprint("large", i), leaders: make([]leader, maxTopicPartitions)}}}, time.Now())
	}
	if n, bytes := c.routes.topics.size(); bytes > maxRoutesBytes {
		t.Errorf("%d topics of %d bytes", n, bytes)
	}
}
