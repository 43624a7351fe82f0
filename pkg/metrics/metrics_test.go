package metrics

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// series gathers everything and returns the series whose name has the prefix, as
// "name{label=value,...} number" without the namespace, sorted.
func series(t *testing.T, m *Metrics, prefix string) []string {
	t.Helper()
	families, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range families {
		name := strings.TrimPrefix(f.GetName(), Namespace+"_")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		for _, metric := range f.GetMetric() {
			var labels []string
			for _, l := range metric.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			value := metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
			lines = append(lines, fmt.Sprintf("%s{%s} %v", name, strings.Join(labels, ","), value))
		}
	}
	return lines
}

func TestReloads(t *testing.T) {
	m := New(Build{})
	m.ConfigLoaded(time.UnixMilli(1500))
	m.ConfigReloaded(nil, time.UnixMilli(2500))
	m.ConfigReloaded(errors.New("bad"), time.UnixMilli(3500))
	want := []string{
		"config_last_reload_success_timestamp_seconds{} 2.5",
		"config_last_reload_successful{} 0",
		"config_reloads_total{result=error} 1",
		"config_reloads_total{result=ok} 1",
	}
	if diff := cmp.Diff(want, series(t, m, "config_")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestClusterSeriesLiveAsLongAsTheCluster(t *testing.T) {
	m := New(Build{})
	count := func(cluster string) (n int) {
		t.Helper()
		for _, s := range series(t, m, "") {
			if strings.Contains(s, "cluster="+cluster+",") || strings.Contains(s, "cluster="+cluster+"}") {
				n++
			}
		}
		return n
	}
	observe := func(c *Cluster) {
		c.RequestDone("ListOffsets", 1, time.Second, nil)
		c.RequestDone("ListOffsets", 1, time.Second, &fault.Error{Kind: fault.Denied})
		c.ConnectDone(-1, time.Second, errors.New("refused"))
		o := c.Collector()
		o.Refreshed(time.Second, 3)
		o.Interval(time.Second)
		o.Stretched(time.Second)
		o.DirectRead(time.Second, 2)
		o.Answered(time.Second)
		o.Queries(7)
		o.Waiting(collector.WaitStats{Waits: 1, Partitions: 2, DeniedTopics: 3})
		o.Woken(1)
		o.Probed(collector.ProbeStats{Failed: 3})
		o.AgesSearched(collector.AgeStats{Unknown: 2, Rounds: 7})
		o.Panicked("refresh")
	}
	other, old := m.Cluster("other"), m.Cluster("orders")
	observe(other)
	observe(old)
	all := count("orders")
	if want := len(m.clusters.all()); all != want {
		t.Fatalf("got %d series of the cluster, want %d: one a metric", all, want)
	}
	// A reload opens the new one before it closes the old one.
	renewed := m.Cluster("orders")
	old.Close()
	if n := count("orders"); n != all {
		t.Errorf("got %d series while an observer is left, want %d", n, all)
	}
	renewed.Close()
	if n := count("orders"); n != 0 {
		t.Errorf("got %d series of a closed cluster, want none", n)
	}
	if n := count("other"); n != all {
		t.Errorf("got %d series of the other cluster, want %d", n, all)
	}
	for _, want := range []string{
		"kafka_request_errors_total{api=ListOffsets,cluster=other,kind=denied} 1",
		"kafka_connect_errors_total{cluster=other,kind=internal} 1",
		"refresh_late_total{cluster=other} 3",
		"refresh_stretched_total{cluster=other} 1",
		"queries{cluster=other} 7",
		"looks_total{cluster=other,result=error} 3",
		"age_searches_total{cluster=other,result=unknown} 2",
		"age_search_rounds_total{cluster=other} 7",
		"panics_total{cluster=other,where=refresh} 1",
	} {
		if !slices.Contains(series(t, m, ""), want) {
			t.Errorf("no %s", want)
		}
	}
}

// TestNamesAndHelp: what promlint finds is what users of the metrics would.
func TestNamesAndHelp(t *testing.T) {
	m := New(Build{})
	c := m.Cluster("orders")
	c.Collector()
	c.RequestDone("ListOffsets", 1, time.Second, errors.New("no answer"))
	c.ConnectDone(1, time.Second, errors.New("refused"))
	families, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, Namespace) {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestConnections(t *testing.T) {
	m := New(Build{})
	open := map[string]int{"audit": 0, "orders": 4}
	m.CountConnections(func() map[string]int { return open })
	want := []string{"kafka_connections{cluster=audit} 0", "kafka_connections{cluster=orders} 4"}
	if diff := cmp.Diff(want, series(t, m, "kafka_connections")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	delete(open, "audit")
	if diff := cmp.Diff(want[1:], series(t, m, "kafka_connections")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
