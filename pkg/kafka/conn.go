package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// conn is a connection that has been opened, encrypted, versioned and
// authenticated. One goroutine uses it at a time.
type conn struct {
	pc        *protocol.Conn
	budget    *Budget
	formatter *kmsg.RequestFormatter
	versions  versions
	lastID    int32
	// answered counts the requests that it has answered since it was ready.
	answered int
	lastUsed time.Time
	// expires is when it must not be used any more; zero means never.
	expires time.Time
	// begun tells whether any byte of the newest response has arrived.
	begun bool
	// buf is what requests are written in: those of a refresh are as large every time.
	buf []byte
}

// dial opens a connection to addr, all steps under one deadline. One that leads to another cluster is refused.
func dial(ctx context.Context, cfg *Config, cluster *identity, budget *Budget, addr string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	d := dialing{cfg: cfg, cluster: cluster, budget: budget, addr: addr}
	nc, err := d.connect(ctx)
	if err != nil {
		return nil, d.failed(ctx, stageConnect, err)
	}
	settled := bind(ctx, nc)
	at, c, err := d.prepare(ctx, nc)
	if !settled() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = nc.Close()
		return nil, d.failed(ctx, at, err)
	}
	return c, nil
}

// dialing is what the steps of opening one connection share.
type dialing struct {
	cfg     *Config
	cluster *identity
	budget  *Budget
	addr    string
}

func (d dialing) connect(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", d.addr)
}

// prepare takes a connected connection through the steps that follow. It
// returns the stage that failed.
func (d dialing) prepare(ctx context.Context, nc net.Conn) (stage, *conn, error) {
	nc, err := d.encrypt(ctx, nc)
	if err != nil {
		return stageTLS, nil, err
	}
	c := d.wrap(nc)
	if err := c.negotiate(ctx); err != nil {
		return stageVersions, nil, err
	}
	if d.cfg.SASL != nil {
		if err := c.authenticate(ctx, d.cfg.SASL, d.addr); err != nil {
			return stageSASL, nil, err
		}
	}
	if err := c.identify(ctx, d.cluster, d.addr); err != nil {
		return stageIdentity, nil, err
	}
	c.lastUsed = time.Now()
	return "", c, nil
}

func (d dialing) encrypt(ctx context.Context, nc net.Conn) (net.Conn, error) {
	if d.cfg.TLS == nil {
		return nc, nil
	}
	host, _, err := net.SplitHostPort(d.addr)
	if err != nil {
		return nil, err
	}
	settings, err := d.cfg.TLS.config(host)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(nc, settings)
	return secured, secured.HandshakeContext(ctx)
}

func (d dialing) wrap(nc net.Conn) *conn {
	return &conn{
		pc:        protocol.NewConn(nc, d.cfg.ClientID),
		budget:    d.budget,
		formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID(d.cfg.ClientID)),
	}
}

func (d dialing) failed(ctx context.Context, at stage, err error) error {
	if local, ok := errors.AsType[*fault.Error](err); ok {
		return local // a file or a credential here, not the broker
	}
	err = interruption(ctx, err)
	return &connError{
		stage: at, addr: d.addr, tls: d.cfg.TLS != nil, sasl: d.cfg.SASL != nil, fresh: true,
		timeout: isTimeout(err), err: err,
	}
}

// interruption is why ctx ended, where it ended early: the connection itself
// only knows that its time was over.
func interruption(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	return err
}

// negotiate asks what the broker speaks. Version 0 of the question is understood by every broker.
func (c *conn) negotiate(ctx context.Context) error {
	c.versions = versions{int16(protocol.ApiVersions): {0, 0}}
	resp, err := c.exchange(ctx, kmsg.NewPtrApiVersionsRequest(), span{0, 0})
	if err != nil {
		return err
	}
	answer := resp.(*kmsg.ApiVersionsResponse)
	if answer.ErrorCode != 0 {
		return wire.Code(answer.ErrorCode)
	}
	c.versions = make(versions, len(answer.ApiKeys))
	for _, k := range answer.ApiKeys {
		c.versions[k.ApiKey] = span{k.MinVersion, k.MaxVersion}
	}
	return nil
}

// exchange writes one request and reads its response, under whatever deadline
// the connection has.
func (c *conn) exchange(ctx context.Context, req kmsg.Request, ours span) (kmsg.Response, error) {
	version, err := c.versions.choose(req, ours)
	if err != nil {
		return nil, err
	}
	req.SetVersion(version)
	c.lastID++
	x := exchange{ctx: ctx, budget: c.budget, formatter: c.formatter, id: c.lastID, req: req, buf: c.buf}
	_, err = c.pc.RoundTrip(&x)
	c.begun, c.buf = x.begun, x.buf
	return x.resp, err
}

// request is exchange within ctx. The connection is of no further use after an
// error, except a *versionError, which nothing was sent for; usable says so.
func (c *conn) request(ctx context.Context, req kmsg.Request, ours span) (resp kmsg.Response, usable bool, err error) {
	settled := bind(ctx, c.pc)
	resp, err = c.exchange(ctx, req, ours)
	untouched := settled()
	c.lastUsed = time.Now()
	var version *versionError
	if err == nil {
		c.answered++
	}
	return resp, untouched && (err == nil || errors.As(err, &version)), err
}

func (c *conn) close() { _ = c.pc.Close() }

// stale tells whether a connection that nobody uses should not be used any more.
func (c *conn) stale(now time.Time, idle time.Duration) bool {
	return now.Sub(c.lastUsed) > idle || !c.expires.IsZero() && now.After(c.expires)
}

// bind makes ctx's end interrupt what the connection does. The caller calls
// settled when it has finished; false means that the connection was interrupted.
func bind(ctx context.Context, nc net.Conn) (settled func() bool) {
	deadline, _ := ctx.Deadline()
	_ = nc.SetDeadline(deadline)
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = nc.SetDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	return func() bool {
		if stop() {
			return true
		}
		<-interrupted
		return false
	}
}
