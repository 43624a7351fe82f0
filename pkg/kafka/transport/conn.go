package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// Conn is a connection that has been opened, encrypted, versioned and
// authenticated. One goroutine uses it at a time.
type Conn struct {
	pc        *protocol.Conn
	budget    *Budget
	clientID  string
	formatter *kmsg.RequestFormatter
	Versions  Versions
	lastID    int32
	// answered counts the requests that it has answered since it was ready.
	answered int
	lastUsed time.Time
	// expires is when it must no longer be used; zero means never.
	expires time.Time
	// begun tells whether any byte of the newest response has arrived.
	begun bool
	// buf is what requests are written in: those of a refresh are as large every time.
	buf []byte
}

// Admit looks at a connection that is ready, before anything else is asked on it, and returns why it must not be used.
type Admit func(ctx context.Context, c *Conn, addr string) error

// Dial opens a connection to addr, all steps under one deadline. One that admit refuses is not used.
func Dial(ctx context.Context, cfg *Settings, admit Admit, budget *Budget, addr string) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	d := Dialing{Settings: cfg, Budget: budget, Addr: addr}
	nc, err := d.Connect(ctx)
	if err != nil {
		return nil, d.Failed(ctx, StageConnect, err)
	}
	settled := Bind(ctx, nc)
	at, c, err := d.prepare(ctx, nc, admit)
	if !settled() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = nc.Close()
		return nil, d.Failed(ctx, at, err)
	}
	return c, nil
}

// Dialing is what the steps of opening one connection share.
type Dialing struct {
	Settings *Settings
	Budget   *Budget
	Addr     string
}

// Connect opens a connection.
func (d Dialing) Connect(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", d.Addr)
}

// prepare takes a connected connection through the steps that follow. It
// returns the stage that failed.
func (d Dialing) prepare(ctx context.Context, nc net.Conn, admit Admit) (Stage, *Conn, error) {
	nc, err := d.Encrypt(ctx, nc)
	if err != nil {
		return StageTLS, nil, err
	}
	c := d.Wrap(nc)
	if err := c.Negotiate(ctx); err != nil {
		return StageVersions, nil, err
	}
	if d.Settings.SASL != nil {
		if err := c.Authenticate(ctx, d.Settings.SASL, d.Addr); err != nil {
			return StageSASL, nil, err
		}
	}
	if admit != nil {
		if err := admit(ctx, c, d.Addr); err != nil {
			return StageIdentity, nil, err
		}
	}
	c.lastUsed = time.Now()
	return "", c, nil
}

// Encrypt makes it one with TLS, where that is configured.
func (d Dialing) Encrypt(ctx context.Context, nc net.Conn) (net.Conn, error) {
	if d.Settings.TLS == nil {
		return nc, nil
	}
	host, _, err := net.SplitHostPort(d.Addr)
	if err != nil {
		return nil, err
	}
	settings, err := d.Settings.TLS.config(host)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(nc, settings)
	return secured, secured.HandshakeContext(ctx)
}

// Wrap makes a connection for requests of it.
func (d Dialing) Wrap(nc net.Conn) *Conn {
	return &Conn{
		pc:        protocol.NewConn(nc, d.Settings.ClientID),
		budget:    d.Budget,
		clientID:  d.Settings.ClientID,
		formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID(d.Settings.ClientID)),
	}
}

// Failed is why a stage failed, with what is needed to say what is probably wrong.
func (d Dialing) Failed(ctx context.Context, at Stage, err error) error {
	if local, ok := errors.AsType[*fault.Error](err); ok {
		return local // a file or a credential here, not the broker
	}
	err = interruption(ctx, err)
	return &ConnError{
		stage: at, addr: d.Addr, tls: d.Settings.TLS != nil, sasl: d.Settings.SASL != nil, fresh: true,
		timeout: IsTimeout(err), err: err,
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

// Negotiate asks what the broker speaks. Version 0 of the question is understood by every broker.
func (c *Conn) Negotiate(ctx context.Context) error {
	c.Versions = Versions{int16(protocol.ApiVersions): {0, 0}}
	req := NewMessage(&apiversions.Request{})
	if _, err := c.Exchange(ctx, req, Span{0, 0}); err != nil {
		return err
	}
	answer := req.Answer.(*apiversions.Response)
	if answer.ErrorCode != 0 {
		return wire.Code(answer.ErrorCode)
	}
	c.Versions = make(Versions, len(answer.ApiKeys))
	for _, k := range answer.ApiKeys {
		c.Versions[k.ApiKey] = Span{k.MinVersion, k.MaxVersion}
	}
	return nil
}

// Exchange writes one request and reads its response, under whatever deadline
// the connection has.
func (c *Conn) Exchange(ctx context.Context, req kmsg.Request, ours Span) (kmsg.Response, error) {
	version, err := c.Versions.choose(req, ours)
	if err != nil {
		return nil, err
	}
	req.SetVersion(version)
	c.lastID++
	x := exchange{ctx: ctx, budget: c.budget, clientID: c.clientID, formatter: c.formatter, id: c.lastID, req: req, buf: c.buf}
	_, err = c.pc.RoundTrip(&x)
	c.begun, c.buf = x.begun, x.buf
	return x.resp, err
}

// request is exchange within ctx. The connection is of no further use after an
// error, except a *VersionError, which nothing was sent for; usable says so.
func (c *Conn) request(ctx context.Context, req kmsg.Request, ours Span) (resp kmsg.Response, usable bool, err error) {
	settled := Bind(ctx, c.pc)
	resp, err = c.Exchange(ctx, req, ours)
	untouched := settled()
	c.lastUsed = time.Now()
	var version *VersionError
	if err == nil {
		c.answered++
	}
	return resp, untouched && (err == nil || errors.As(err, &version)), err
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.pc.Close() }

// stale tells whether a connection that nobody uses should no longer be used.
func (c *Conn) stale(now time.Time, idle time.Duration) bool {
	return now.Sub(c.lastUsed) > idle || !c.expires.IsZero() && now.After(c.expires)
}

// Bind makes ctx's end interrupt what the connection does. The caller calls
// settled when it has finished; false means that the connection was interrupted.
func Bind(ctx context.Context, nc net.Conn) (settled func() bool) {
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
