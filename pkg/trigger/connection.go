package trigger

import (
	"net/netip"
	"strconv"
	"strings"
)

func (p *parser) connection() Connection {
	return Connection{
		Cluster:          p.cluster(),
		BootstrapServers: p.bootstrapServers(),
		TLS:              p.oneOf("tls") == "enable",
		SASL:             p.oneOf("sasl"),
	}
}

// maxClusterName is the length of a DNS label, so that a cluster's name fits a metric label and a file name.
const maxClusterName = 63

func (p *parser) cluster() string {
	value, field, given := p.lookup("cluster")
	if given && (len(value) > maxClusterName || strings.ContainsFunc(value, isNotNameRune)) {
		p.report(field, value, "is not the name of a cluster", "write letters, digits, '.', '_' and '-', at most 63, as in clusters[].name of the scaler's configuration")
	}
	return value
}

func (p *parser) bootstrapServers() []string {
	value, field, given := p.lookup("bootstrapServers")
	if !given {
		return nil
	}
	const remedy = "write host:port, such as kafka:9092"
	// The whole value and not one element: a password may contain a comma.
	if strings.Contains(value, "@") {
		p.report(field, "", "an address must not contain a user name or password", remedy)
		return nil
	}
	servers := p.list(field, value, maxBootstrapServers, "addresses")
	if len(servers) == 0 {
		p.report(field, value, "contains no address", remedy)
	}
	for _, server := range servers {
		if complaint := checkAddress(server); complaint != "" {
			p.report(field, server, complaint, remedy)
		}
	}
	return servers
}

// checkAddress says what is wrong with a broker's address, and nothing if it may be one. KEDA finds out when it connects.
func checkAddress(address string) string {
	switch {
	case strings.Contains(address, "://"):
		return "an address has no protocol in front"
	case strings.HasPrefix(address, "["):
		if ip, err := netip.ParseAddrPort(address); err != nil || ip.Port() == 0 {
			return "is not an IPv6 address with a port"
		}
		return ""
	}
	host, port, found := strings.Cut(address, ":")
	switch number, err := strconv.ParseUint(port, 10, 16); {
	case !found:
		return "the port is missing"
	case strings.Contains(port, ":"):
		return "has more than one colon; an IPv6 address needs brackets"
	case err != nil || number == 0:
		return "the port is not a number from 1 to 65535"
	case host == "" || len(host) > 253 || strings.ContainsFunc(host, isNotNameRune):
		return "the host is not a name or address"
	}
	return ""
}

// isNotNameRune is the complement of what Kafka allows in topic names, which host and cluster names share.
func isNotNameRune(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
		return false
	}
	return true
}

// version checks a Kafka version: three numbers, or four where the first is 0, as KEDA's Kafka client
// (sarama.ParseKafkaVersion) takes it.
func (p *parser) version(name string) {
	value, field, given := p.lookup(name)
	if !given {
		return
	}
	numbers := strings.Split(value, ".")
	want := 3
	if strings.HasPrefix(value, "0") {
		want = 4
	}
	ok := len(numbers) == want && (want == 3 || numbers[0] == "0")
	for _, number := range numbers {
		_, err := strconv.ParseUint(number, 10, 32)
		ok = ok && err == nil
	}
	if !ok {
		p.report(field, value, "is not a Kafka version", "write x.y.z, such as 3.9.0, or leave it out: it has no effect")
	}
}
