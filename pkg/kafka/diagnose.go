package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// Check is the outcome of one step of a diagnosis.
type Check struct {
	// Step is what was tried: "DNS", "TCP", "TLS", "API versions", "SASL", "metadata", "broker", "topic", ...
	Step string
	// Target is what it was tried on: an address, a topic, a group.
	Target string
	OK     bool
	// Detail is what was found, where the step succeeded.
	Detail string
	// Err is why the step failed, and Remedy what to do about it.
	Err    error
	Remedy string
}

// Diagnose connects to a cluster step by step, each bootstrap server by itself,
// then every broker at the address that the cluster advertises for it, since
// these are the ones that clients really use. It calls report after each step and
// returns whether every broker and at least one bootstrap server can be used.
// Each connection has the configuration's DialTimeout, everything the ctx.
func Diagnose(ctx context.Context, cfg Config, report func(Check)) bool {
	d := diagnosis{report: report, cluster: newIdentity()}
	if err := cfg.Validate(); err != nil {
		d.step("configuration", cfg.Name, "", err)
		return false
	}
	d.cfg = cfg.withDefaults()
	d.settings = d.cfg.settings()
	brokers := map[int32]string{}
	for _, server := range d.cfg.BootstrapServers {
		maps.Copy(brokers, d.bootstrap(ctx, server))
	}
	reachable := len(brokers) > 0 && d.cluster.ambiguous() == nil
	for _, node := range slices.Sorted(maps.Keys(brokers)) {
		err := d.reach(ctx, node, brokers[node])
		ok := d.step("broker", fmt.Sprintf("broker %d at its advertised address %s", node, brokers[node]), "can be used", err)
		reachable = reachable && ok
	}
	return reachable
}

// reach connects to a broker at its advertised address.
func (d diagnosis) reach(ctx context.Context, node int32, addr string) error {
	if err := d.cfg.allows(node, addr); err != nil {
		return err
	}
	admit := func(ctx context.Context, c *transport.Conn, addr string) error {
		return identify(ctx, c, d.cluster, addr)
	}
	c, err := transport.Dial(ctx, &d.settings, admit, nil, addr)
	if err == nil {
		c.Close()
	}
	return err
}

// diagnosis makes checks of what happens.
type diagnosis struct {
	cfg      Config
	settings transport.Settings
	cluster  *identity
	report   func(Check)
}

// step reports one step and returns whether it succeeded.
func (d diagnosis) step(step, target, detail string, err error) bool {
	if err == nil {
		d.report(Check{Step: step, Target: target, OK: true, Detail: detail})
		return true
	}
	remedy, cause := splitRemedy(err)
	if remedy == "" {
		_, remedy = diagnose(err)
	}
	d.report(Check{Step: step, Target: target, Err: cause, Remedy: remedy})
	return false
}

// bootstrap goes through the steps of one connection and returns the brokers that the server names.
func (d diagnosis) bootstrap(ctx context.Context, addr string) map[int32]string {
	host, _, _ := net.SplitHostPort(addr) // Validate has
	lookup, cancel := context.WithTimeout(ctx, d.cfg.DialTimeout)
	ips, err := net.DefaultResolver.LookupHost(lookup, host)
	cancel()
	if err != nil {
		err = transport.LookupFailed(addr, err)
	}
	if !d.step("DNS", host, strings.Join(ips, ", "), err) {
		return nil
	}
	ctx, cancel = context.WithTimeout(ctx, d.cfg.DialTimeout)
	defer cancel()
	dialing := transport.Dialing{Settings: &d.settings, Addr: addr}
	nc, err := dialing.Connect(ctx)
	if err != nil {
		d.step("TCP", addr, "", dialing.Failed(ctx, transport.StageConnect, err))
		return nil
	}
	defer func() { _ = nc.Close() }()
	if !d.step("TCP", addr, "connected to "+nc.RemoteAddr().String(), nil) {
		return nil
	}
	settled := transport.Bind(ctx, nc)
	defer settled()
	return d.session(ctx, dialing, nc)
}

// session goes through the steps after TCP.
func (d diagnosis) session(ctx context.Context, dialing transport.Dialing, nc net.Conn) map[int32]string {
	check := func(at transport.Stage, step, detail string, err error) bool {
		if err != nil {
			err = dialing.Failed(ctx, at, err)
		}
		return d.step(step, dialing.Addr, detail, err)
	}
	nc, err := dialing.Encrypt(ctx, nc)
	if d.cfg.TLS != nil && !check(transport.StageTLS, "TLS", tlsDetail(nc), err) || err != nil {
		return nil
	}
	c := dialing.Wrap(nc)
	err = c.Negotiate(ctx)
	if !check(transport.StageVersions, "API versions", versionsDetail(c.Versions), err) {
		return nil
	}
	if s := d.cfg.SASL; s != nil && !check(transport.StageSASL, "SASL", s.Mechanism.String(), c.Authenticate(ctx, s, dialing.Addr)) {
		return nil
	}
	query := newMetadataQuery([]string{}, pace.New().Of(ctx))
	if _, err := c.Exchange(ctx, query, metadataVersions); err != nil {
		check(transport.StageRequest, "metadata", "", err)
		return nil
	}
	brokers := query.answer.brokers
	check("", "metadata", fmt.Sprintf("%s: %s", fault.Count(len(brokers), "broker"), brokerList(brokers)), nil)
	if err := d.cluster.check(query.answer.clusterID, dialing.Addr, time.Now()); err != nil {
		d.step("cluster", dialing.Addr, "", err)
		d.cluster.conflict = err
		return nil
	}
	return brokers
}

func tlsDetail(nc net.Conn) string {
	secured, ok := nc.(*tls.Conn)
	if !ok {
		return ""
	}
	state := secured.ConnectionState()
	detail := tls.VersionName(state.Version)
	if len(state.PeerCertificates) > 0 {
		cert := state.PeerCertificates[0]
		detail += fmt.Sprintf(", certificate of %s until %s", wire.Text(cert.Subject.String()), cert.NotAfter.Format("2006-01-02"))
	}
	return detail
}

// versionsDetail tells what the client will do with what the broker speaks.
func versionsDetail(v transport.Versions) string {
	if v[int16(protocol.OffsetFetch)].Max < offsetFetchManyVersions.Min {
		return "Kafka older than 3.0: one OffsetFetch request a group"
	}
	return "Kafka 3.0 or newer"
}

func brokerList(brokers map[int32]string) string {
	var list []string
	for _, node := range slices.Sorted(maps.Keys(brokers)) {
		list = append(list, fmt.Sprintf("%d %s", node, brokers[node]))
	}
	return strings.Join(list, ", ")
}
