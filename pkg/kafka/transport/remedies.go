package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"syscall"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// Diagnose says whose move it is when a connection fails, and what is probably wrong.
func (e *ConnError) Diagnose() (fault.Kind, string) {
	var dns *net.DNSError
	switch {
	case errors.As(e.err, &dns):
		return fault.Unavailable, "check the host name and the cluster's DNS"
	case errors.Is(e.err, syscall.ECONNREFUSED):
		return fault.Unavailable, "check that a broker runs and listens on this address"
	case e.stage == StageConnect && e.timeout:
		return fault.Unavailable, "check the address, network policies and firewalls"
	case e.stage == StageTLS:
		return diagnoseTLS(e)
	case errors.Is(e.err, wire.ErrTLSAlert):
		return fault.Precondition, "the listener expects TLS: configure tls for this cluster, or use a plaintext listener"
	case errors.Is(e.err, wire.ErrNotKafka):
		return fault.Precondition, "correct the address: what listens there is not a Kafka broker, or expects TLS"
	}
	return diagnoseSession(e)
}

func diagnoseTLS(e *ConnError) (fault.Kind, string) {
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case remoteAlert(e.err):
		return fault.Denied, "the broker refuses the TLS handshake: configure the client certificate that it asks for, and check what signed it"
	case errors.As(e.err, &authority):
		return fault.Precondition, "configure the CA that signed the broker's certificate (caFile)"
	case errors.As(e.err, &hostname):
		return fault.Precondition, "use a host name that the broker's certificate is for, or set serverName"
	case errors.As(e.err, &invalid):
		return fault.Precondition, "renew or replace the broker's certificate, and check this machine's clock"
	case e.worked && (peerClosed(e.err) || e.timeout):
		return fault.Unavailable, brokerRestarts
	case peerClosed(e.err), e.timeout:
		return fault.Unavailable, "the listener seems to expect no TLS: use a TLS listener, or remove tls from this cluster"
	case errors.As(e.err, &record):
		return fault.Precondition, "the listener seems to expect no TLS: use a TLS listener, or remove tls from this cluster"
	}
	return fault.Precondition, "check the TLS settings on both sides"
}

// brokerRestarts is the remedy where connections are closed at an address that has answered before.
const brokerRestarts = "brokers close connections while they start and stop: check that it is up, and its log for why it closed this one"

// diagnoseSession reads what the end of a connected connection means. A listener
// that expects another security protocol closes the connection without a word; so
// does a broker that starts or stops. It is only ever a guess, which may be over the
// next time, and none where the address has answered before.
func diagnoseSession(e *ConnError) (fault.Kind, string) {
	switch {
	case remoteAlert(e.err):
		// With TLS 1.3 the verdict on the client's certificate arrives after the client's handshake is done.
		return fault.Denied, "the broker refuses the client's certificate: configure one that it trusts (certFile, keyFile)"
	case e.timeout:
		return fault.Unavailable, "check the load and the health of the broker"
	case !peerClosed(e.err):
		return fault.Unavailable, "check the network between here and the broker"
	case e.worked:
		return fault.Unavailable, brokerRestarts
	case e.stage == StageVersions && !e.tls:
		return fault.Unavailable, "the listener seems to expect TLS: configure tls for this cluster, or use a plaintext listener"
	case e.stage == StageSASL:
		return fault.Denied, "the broker refuses the SASL exchange: correct mechanism, username and password, and check that the listener expects SASL"
	case e.fresh && !e.sasl:
		return fault.Unavailable, "the listener seems to expect SASL: configure sasl for this cluster, or use a listener without it"
	}
	return fault.Unavailable, "check the broker's log for why it closed the connection"
}

// remoteAlert tells whether the other side ended a TLS session with an alert.
// crypto/tls exports no type for it, only this.
func remoteAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
