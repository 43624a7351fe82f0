//go:build realkafka

package acceptance

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

// holdings are what a running product holds on to.
type holdings struct {
	goroutines int
	// connections to brokers, by the product's own account, and how many of them wait for records.
	connections, waits int
	// others are its open files that are no such connection: where connections leak from the account, these grow.
	others int
}

// holds reads what the product holds on to.
func (p *product) holds(t *testing.T) holdings {
	t.Helper()
	m := p.metrics(t)
	goroutines, files, connections := int(m["go_goroutines"]), int(m["process_open_fds"]), int(m["kafka_scaler_kafka_connections"])
	if goroutines == 0 || files == 0 {
		t.Fatalf("the metrics page lacks what to check: %v", m)
	}
	return holdings{goroutines, connections, int(m["kafka_scaler_waits"]), files - connections}
}

// metrics reads the product's metrics: each series by its name with labels, and the sum of those of a name by the name.
func (p *product) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	// A connection that is kept would count on the other side.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + p.http + "/metrics")
	must(t, err)
	defer response.Body.Close()
	values := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		series, number, _ := strings.Cut(lines.Text(), " ")
		// Comments have no number; labels with blanks are of no interest here.
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			continue
		}
		name, labels, _ := strings.Cut(series, "{")
		values[name] += value
		if labels != "" {
			values[series] = value
		}
	}
	must(t, lines.Err())
	return values
}

// passing is how many goroutines may be busy for a moment. An outage is hundreds of
// requests, so that one which leaves anything behind leaves far more.
const passing = 5

// leavesNothing waits until the product holds no more than before a bad day. It
// keeps connections, of which it may have opened fewer than it may until then.
func (p *product) leavesNothing(t *testing.T, before holdings, brokers int) {
	t.Helper()
	allowed := max(before.connections, before.waits+brokers*kafka.DefaultMaxConnectionsPerBroker)
	var now holdings
	defer func() {
		if t.Failed() {
			// The runtime answers the signal with the stacks of all goroutines.
			_ = p.process.Signal(syscall.SIGQUIT)
			<-p.process.Done()
			t.Logf("before %+v, now %+v\n%s", before, now, p.process.Tail(600))
		}
	}()
	eventually(t, func() bool {
		now = p.holds(t)
		return now.goroutines <= before.goroutines+passing && now.others <= before.others && now.connections <= allowed
	})
}

// settled returns what the product holds on to when nothing is under way. A
// refresh that runs makes it more, so it is the least of some looks.
func (p *product) settled(t *testing.T) holdings {
	t.Helper()
	least := p.holds(t)
	for range 10 {
		now := p.holds(t)
		least.goroutines, least.others = min(least.goroutines, now.goroutines), min(least.others, now.others)
	}
	return least
}

func (h holdings) String() string {
	return fmt.Sprintf("%d goroutines, %d connections, %d other files", h.goroutines, h.connections, h.others)
}
