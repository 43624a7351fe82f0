package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
)

// TestMain makes the test binary answer to the name kafka-scaler, for the scripts
// and for tests that need a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(leakFree{m}, map[string]func(){"kafka-scaler": main})
}

// leakFree fails a run that leaves goroutines behind.
type leakFree struct{ m *testing.M }

func (l leakFree) Run() int {
	code := l.m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestScripts runs command lines and checks what they print and return.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "kafka": startKafka}})
}

// startKafka starts a fake cluster for the script and sets $KAFKA to its address:
// topic orders with 5 partitions, records and group shop's commits as in
// [writeOrders], topic payments without any, and group restored, which has
// committed in orders what is not there any more.
func startKafka(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) > 0 {
		ts.Fatalf("usage: kafka")
	}
	cluster, err := fakekafka.New(1, kfake.SeedTopics(5, "orders"), kfake.SeedTopics(1, "payments"))
	ts.Check(err)
	ts.Defer(cluster.Close)
	writeOrders(scriptTB{ts}, cluster)
	cluster.Commit(scriptTB{ts}, "restored", map[string]map[int32]int64{"orders": {0: 90, 1: 0, 2: 0, 3: 0, 4: 0}})
	ts.Setenv("KAFKA", cluster.ListenAddrs()[0])
}

// writeOrders gives partition 0 29 records of lag behind commit 10, and leaves the others caught up.
func writeOrders(t fakekafka.TB, cluster *fakekafka.Cluster) {
	cluster.Produce(t, "orders", 0, 39)
	cluster.Commit(t, "shop", map[string]map[int32]int64{"orders": {0: 10, 1: 0, 2: 0, 3: 0, 4: 0}})
}

// scriptTB lets helpers fail a script.
type scriptTB struct{ *testscript.TestScript }

func (scriptTB) Helper()        {}
func (scriptTB) Cleanup(func()) {}

// exits runs kafka-scaler and checks its exit code: exits CODE ARGUMENT...
func exits(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) == 0 {
		ts.Fatalf("usage: exits CODE ARGUMENT...")
	}
	err := ts.Exec("kafka-scaler", args[1:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run kafka-scaler: %v", err)
	}
	if want := args[0]; strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}
