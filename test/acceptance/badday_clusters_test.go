//go:build realkafka

package acceptance

import (
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
)

// TestServesOthersWhileAClusterIsAbsent starts with a cluster that is not there,
// which comes, and has a third one added to the configuration.
func TestServesOthersWhileAClusterIsAbsent(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	must(t, lay(ctx, "present", "present-readers", []int64{behind}))
	absent := freeAddress(t)
	config := "clusters:\n" + clusterEntry("here", cluster.Bootstrap()...) + clusterEntry("absent", absent)
	p := serve(t, config)
	trigger := func(name string) map[string]string {
		return map[string]string{"cluster": name, "topic": "present", "consumerGroup": "present-readers", "lagThreshold": "1000"}
	}
	here := poll(ctx, t, p, trigger("here"), behind)
	missing := pollAnything(ctx, t, p, trigger("absent"), behind)
	missing.allowError(codes.Unavailable, absent, "check that a broker runs and listens on this address")
	missing.awaitError(codes.Unavailable)
	eventually(t, func() bool { return p.hasLogged(t, "cluster cannot be read", absent) })
	before := p.settled(t)

	added := pollAnything(ctx, t, p, trigger("added"), behind)
	added.allowError(codes.NotFound, `cluster "added"`, "known: absent, here")
	added.awaitError(codes.NotFound)
	must(t, os.WriteFile(p.config, []byte(config+clusterEntry("added", cluster.Bootstrap()...)), 0o600))
	added.awaitValue(behind)
	added.forbidErrors()

	forward(t, absent, cluster.Bootstrap()[0], nil)
	missing.reaches(behind, time.Now())
	missing.forbidErrors()
	here.awaitValue(behind)
	for _, w := range []*poller{here, missing, added} {
		w.end()
	}
	// Each cluster watched has goroutines of its own, and one more of them has come: it must go with the cluster.
	must(t, os.WriteFile(p.config, []byte(config), 0o600))
	p.leavesNothing(t, before, 2*len(cluster.Brokers())+1)
}

// hasLogged tells whether a line of the product's log has all parts.
func (p *product) hasLogged(t *testing.T, parts ...string) bool {
	t.Helper()
	text, err := os.ReadFile(p.log)
	must(t, err)
	for line := range strings.Lines(string(text)) {
		found := true
		for _, part := range parts {
			found = found && strings.Contains(line, part)
		}
		if found {
			return true
		}
	}
	return false
}

// forward makes what listens at one address reachable at another until the test
// ends. Connections end when the product does. From silence on, a nil is never,
// nothing gets through any more, and nobody is told.
func forward(t *testing.T, from, to string, silence *atomic.Bool) {
	t.Helper()
	listener, err := net.Listen("tcp", from)
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go join(in, to, silence)
		}
	}()
}

// join copies between a connection and a new one to an address until either ends.
func join(in net.Conn, to string, silence *atomic.Bool) {
	defer in.Close()
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(cable{in, silence}, out)
		_ = in.Close()
	})
	_, _ = io.Copy(cable{out, silence}, in)
	_ = out.Close()
	back.Wait()
}

// cable is a way to a writer that may be cut.
type cable struct {
	io.Writer
	cut *atomic.Bool
}

func (c cable) Write(b []byte) (int, error) {
	if c.cut != nil && c.cut.Load() {
		return len(b), nil
	}
	return c.Writer.Write(b)
}
