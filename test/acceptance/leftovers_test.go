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
	// connections to brokers, by the product's own account.
	connections int
	// others are its open files that are no such connection: where connections leak from the account, these grow.
	others int
}

// holds reads the product's metrics.
func (p *product) holds(t *testing.T) holdings {
	t.Helper()
	// A connection that is kept would count on the other side.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + p.http + "/metrics")
	must(t, err)
	defer response.Body.Close()
	sums := map[string]int{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if name, _, _ := strings.Cut(series, "{"); name == "go_goroutines" || name == "process_open_fds" || name == "kafka_scaler_kafka_connections" {
			n, err := strconv.Atoi(value)
			must(t, err)
			sums[name] += n
		}
	}
	must(t, lines.Err())
	if sums["go_goroutines"] == 0 || sums["process_open_fds"] == 0 {
		t.Fatalf("the metrics page lacks what to check: %v", sums)
	}
	connections := sums["kafka_scaler_kafka_connections"]
	return holdings{sums["go_goroutines"], connections, sums["process_open_fds"] - connections}
}

// passing is how many goroutines may be busy for a moment. An outage is hundreds of
// requests, so that one which leaves anything behind leaves far more.
const passing = 5

// leavesNothing waits until the product holds no more than before a bad day. It
// keeps connections, of which it may have opened fewer than it may until then.
func (p *product) leavesNothing(t *testing.T, before holdings, brokers int) {
	t.Helper()
	allowed := max(before.connections, brokers*kafka.DefaultMaxConnectionsPerBroker)
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
