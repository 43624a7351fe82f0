package hostile

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/hostilebroker"
	"github.com/kafka-scaler/kafka-scaler/internal/proc"
)

// attackersVariable has the test binary be the attackers' process: it is their orders, as JSON.
const attackersVariable = "HOSTILE_ATTACKERS"

// lowest makes the priority of the attackers the lowest there is, whatever ours is: on a machine with few cores they
// would else take them from the victim and from those who measure it.
const lowest = "39"

// orders are what the attackers' process is told when it starts.
type orders struct {
	Seed           uint64
	Attacks, Kinds string
	// Ready and Result are the files where it says what its brokers are, and what was seen.
	Ready, Result string
}

// target is what it is told when the attack begins, as a line of its standard input. It attacks until the next line,
// and ends with its input.
type target struct{ GRPC, Web string }

// result is what attackers have seen, and their brokers.
type result struct {
	Codes    map[string]map[string]int
	Texts    map[string][]string
	Lies     texts
	Troubles texts
	Raw      texts
	Brokers  map[string]hostilebroker.Stats
	Trapped  int64
}

// Attackers is the attackers' process, if the environment says that this is one. It never returns then.
func Attackers() {
	text := os.Getenv(attackersVariable)
	if text == "" {
		return
	}
	if err := beAttackers(text, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func beAttackers(text string, in io.Reader) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("read the orders: %w", err)
	}
	attacks, kinds := expression(o.Attacks), expression(o.Kinds)
	brokers, err := startBrokers(o.Seed, kinds)
	if err != nil {
		return err
	}
	defer brokers.close()
	if err := keep(o.Ready, brokers.config()); err != nil {
		return err
	}
	s := &assault{seed: o.Seed, only: attacks, brokers: brokers, notes: newNotes(), shared: &refs{}}
	if err := s.obey(in); err != nil {
		return err
	}
	return keep(o.Result, s.result())
}

func expression(text string) *regexp.Regexp {
	if text == "" {
		return nil
	}
	return regexp.MustCompile(text)
}

func text(e *regexp.Regexp) string {
	if e == nil {
		return ""
	}
	return e.String()
}

// keep writes a file that is whole as soon as it is there.
func keep(file string, what any) error {
	data, err := json.Marshal(what)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// assault is what the attackers' process does.
type assault struct {
	seed    uint64
	only    *regexp.Regexp
	brokers *brokers
	victim  target
	notes   *notes
	shared  *refs
}

// obey attacks from the first line of the input to the second, and returns with its end.
func (s *assault) obey(in io.Reader) error {
	lines := bufio.NewScanner(in)
	if !lines.Scan() {
		return nil
	}
	if err := json.Unmarshal(lines.Bytes(), &s.victim); err != nil {
		return fmt.Errorf("read the target: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var attacking sync.WaitGroup
	defer attacking.Wait()
	defer cancel()
	for i, a := range attacks() {
		if !selects(s.only, a.name) {
			continue
		}
		attacking.Go(func() {
			if err := s.makeAttack(ctx, uint64(i), a); err != nil {
				s.notes.trouble("%s: %v", a.name, err)
			}
		})
	}
	lines.Scan()
	cancel()
	attacking.Wait()
	// The brokers stay until there is nobody left who could ask them.
	for lines.Scan() {
	}
	return lines.Err()
}

func selects(some *regexp.Regexp, name string) bool { return some == nil || some.MatchString(name) }

func (s *assault) result() result {
	n := s.notes
	n.mu.Lock()
	defer n.mu.Unlock()
	return result{
		Codes: n.codes, Texts: n.texts, Lies: n.lies, Troubles: n.troubles, Raw: n.raw,
		Brokers: s.brokers.stats(), Trapped: s.brokers.trap.caught.Load(),
	}
}

// attackers are that process, seen from the one that started it.
type attackers struct {
	process *proc.Process
	orders  orders
	in      io.WriteCloser
	// clusters are the hostile brokers in the scaler's configuration.
	clusters string
}

// startAttackers starts the hostile brokers. Nobody is attacked yet.
func startAttackers(o Options) (*attackers, error) {
	a := &attackers{orders: orders{
		Seed: o.Seed, Attacks: text(o.Attacks), Kinds: text(o.Kinds),
		Ready: filepath.Join(o.Dir, "brokers.json"), Result: filepath.Join(o.Dir, "attackers.json"),
	}}
	for _, file := range []string{a.orders.Ready, a.orders.Result} {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	told, err := json.Marshal(a.orders)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("nice", "-n", lowest, self)
	cmd.Env = append(os.Environ(), attackersVariable+"="+string(told))
	if a.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if a.process, err = proc.Start("attackers", filepath.Join(o.Dir, "attackers.log"), cmd); err != nil {
		return nil, err
	}
	if err := a.process.WaitReady(startLimit, func() error { return readJSON(a.orders.Ready, &a.clusters) }); err != nil {
		a.process.Kill()
		return nil, err
	}
	return a, nil
}

func readJSON(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// begin has them attack.
func (a *attackers) begin(v *victim) error {
	line, err := json.Marshal(target{GRPC: v.grpc, Web: v.web})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.in, "%s\n", line)
	return err
}

// end ends the attack. The brokers stay.
func (a *attackers) end() error {
	_, err := fmt.Fprintln(a.in, "enough")
	return err
}

// leave ends all of it, and adds what the attackers have seen.
func (a *attackers) leave(n *notes) (result, error) {
	var seen result
	err := a.in.Close()
	select {
	case <-a.process.Done():
	case <-time.After(attackTimeout + stopGrace):
		a.process.Kill()
	}
	if err = errors.Join(err, a.process.Err(), readJSON(a.orders.Result, &seen)); err != nil {
		return seen, fmt.Errorf("hear from the attackers: %w; the end of their log: %s", err, a.process.Tail(20))
	}
	n.merge(seen)
	return seen, nil
}

// merge adds what was noted elsewhere.
func (n *notes) merge(o result) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for who, byCode := range o.Codes {
		if n.codes[who] == nil {
			n.codes[who] = map[string]int{}
		}
		for code, count := range byCode {
			n.codes[who][code] += count
		}
	}
	maps.Copy(n.texts, o.Texts)
	n.lies.merge(o.Lies)
	n.troubles.merge(o.Troubles)
	n.raw.merge(o.Raw)
}

func (t *texts) merge(o texts) {
	t.Count += o.Count
	t.Samples = append(t.Samples, o.Samples...)
}
