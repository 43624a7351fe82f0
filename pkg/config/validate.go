package config

import (
	"fmt"
	"net"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate checks every value. The error is a [Problems] with all that is wrong,
// in the order of the file.
func (c Config) Validate() error {
	var p Problems
	p.listenAddress("grpc.listenAddress", c.GRPC.ListenAddress)
	p.together("grpc.tls.certFile", c.GRPC.TLS.CertFile, "grpc.tls.keyFile", c.GRPC.TLS.KeyFile)
	if c.GRPC.TLS.ClientCAFile != "" && c.GRPC.TLS.CertFile == "" {
		p.add("grpc.tls.clientCAFile", fmt.Sprintf("needs certFile and keyFile beside it (got %q alone)", c.GRPC.TLS.ClientCAFile))
	}
	p.listenAddress("http.listenAddress", c.HTTP.ListenAddress)
	p.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	p.oneOf("log.format", c.Log.Format, "json", "console")
	c.Refresh.validate(&p)
	c.validateClusters(&p)
	for i, pattern := range c.InlineBootstrapServers.Allow {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			p.add(fmt.Sprintf("inlineBootstrapServers.allow[%d]", i), fmt.Sprintf("needs a pattern of host:port such as \"*.kafka.svc:9092\" (got %q)", pattern))
		}
	}
	return p.err()
}

func (r Refresh) validate(p *Problems) {
	if r.Interval != 0 {
		p.between("refresh.interval", r.Interval, 100*time.Millisecond, time.Minute)
	}
	p.between("refresh.sleepInterval", r.SleepInterval, time.Second, time.Minute)
	p.between("refresh.idleAfter", r.IdleAfter, 10*time.Second, 24*time.Hour)
	p.between("refresh.firstReadTimeout", r.FirstReadTimeout, 100*time.Millisecond, 30*time.Second)
	p.between("refresh.requestTimeout", r.RequestTimeout, 100*time.Millisecond, 30*time.Second)
	p.between("refresh.topicsInterval", r.TopicsInterval, time.Second, 10*time.Minute)
}

func (c Config) validateClusters(p *Problems) {
	first := map[string]int{}
	for i, cl := range c.Clusters {
		at := fmt.Sprintf("clusters[%d]", i)
		cl.validate(at, p)
		if j, taken := first[cl.Name]; taken && cl.Name != "" {
			p.add(at+".name", fmt.Sprintf("needs a name of its own, clusters[%d] has the same (got %q)", j, cl.Name))
			continue
		}
		first[cl.Name] = i
	}
}

// dnsLabel is RFC 1123's, as Kubernetes uses it for names.
var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

func (cl Cluster) validate(at string, p *Problems) {
	if !dnsLabel.MatchString(cl.Name) {
		p.add(at+".name", fmt.Sprintf("needs 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit (got %q)", cl.Name))
	}
	if len(cl.BootstrapServers) == 0 {
		p.add(at+".bootstrapServers", "needs at least one host:port (got none)")
	}
	for i, s := range cl.BootstrapServers {
		if !isHostPort(s) {
			p.add(fmt.Sprintf("%s.bootstrapServers[%d]", at, i), fmt.Sprintf("needs host:port (got %q)", s))
		}
	}
	cl.TLS.validate(at+".tls", p)
	cl.SASL.validate(at+".sasl", p)
	if cl.MaxConnectionsPerBroker < 1 || cl.MaxConnectionsPerBroker > 16 {
		p.add(at+".maxConnectionsPerBroker", fmt.Sprintf("needs 1 to 16 (got %d)", cl.MaxConnectionsPerBroker))
	}
	p.oneOf(at+".pushActivation", cl.PushActivation, PushFetch, PushPoll)
	if cl.WaitShardSize < 1 || cl.WaitShardSize > 10000 {
		p.add(at+".waitShardSize", fmt.Sprintf("needs 1 to 10000 (got %d)", cl.WaitShardSize))
	}
	if cl.MaxWaitConnectionsPerBroker < 1 || cl.MaxWaitConnectionsPerBroker > 128 {
		p.add(at+".maxWaitConnectionsPerBroker", fmt.Sprintf("needs 1 to 128 (got %d)", cl.MaxWaitConnectionsPerBroker))
	}
	if cl.RequestTimeout != 0 {
		p.between(at+".requestTimeout", cl.RequestTimeout, 100*time.Millisecond, 30*time.Second)
	}
	if cl.RefreshInterval != 0 {
		p.between(at+".refreshInterval", cl.RefreshInterval, 100*time.Millisecond, time.Minute)
	}
}

func (t ClientTLS) validate(at string, p *Problems) {
	p.together(at+".certFile", t.CertFile, at+".keyFile", t.KeyFile)
	if !t.Enabled && t != (ClientTLS{}) {
		p.add(at+".enabled", "needs true where another key of tls is set (got false)")
	}
}

func (s SASL) validate(at string, p *Problems) {
	p.oneOf(at+".mechanism", s.Mechanism, SASLNone, SASLPlaintext, SASLSCRAMSHA256, SASLSCRAMSHA512)
	names := set("username", s.Username, "usernameFile", s.UsernameFile, "usernameEnv", s.UsernameEnv)
	passwords := set("passwordFile", s.PasswordFile, "passwordEnv", s.PasswordEnv)
	if s.Mechanism == SASLNone {
		if given := slices.Concat(names, passwords); len(given) > 0 {
			p.add(at+".mechanism", fmt.Sprintf("needs a mechanism where %s is set (got %q)", strings.Join(given, " and "), s.Mechanism))
		}
		return
	}
	if len(names) != 1 {
		p.add(at, fmt.Sprintf("needs exactly one of username, usernameFile and usernameEnv (got %s)", orNone(names)))
	}
	if len(passwords) != 1 {
		p.add(at, fmt.Sprintf("needs exactly one of passwordFile and passwordEnv (got %s)", orNone(passwords)))
	}
}

// set returns the keys whose value is not empty, from pairs of key and value.
func set(pairs ...string) []string {
	var keys []string
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			keys = append(keys, pair[0])
		}
	}
	return keys
}

func orNone(keys []string) string {
	if len(keys) == 0 {
		return "none"
	}
	return strings.Join(keys, " and ")
}

func (p *Problems) between(path string, got, low, high time.Duration) {
	if got < low || got > high {
		p.add(path, fmt.Sprintf("needs %s to %s (got %s)", low, high, got))
	}
}

func (p *Problems) oneOf(path, got string, allowed ...string) {
	if !slices.Contains(allowed, got) {
		p.add(path, fmt.Sprintf("needs one of %s (got %q)", strings.Join(allowed, ", "), got))
	}
}

func (p *Problems) together(pathA, a, pathB, b string) {
	if a != "" && b == "" {
		p.add(pathB, fmt.Sprintf("needs a file where %s is set (got %q)", pathA, b))
	}
	if a == "" && b != "" {
		p.add(pathA, fmt.Sprintf("needs a file where %s is set (got %q)", pathB, a))
	}
}

func (p *Problems) listenAddress(path, got string) {
	if _, port, err := net.SplitHostPort(got); err != nil || !isPort(port, 0) {
		p.add(path, fmt.Sprintf("needs host:port or :port (got %q)", got))
	}
}

func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	return err == nil && host != "" && !strings.ContainsAny(host, " /@,") && isPort(port, 1)
}

func isPort(s string, low int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= low && n <= 65535
}
