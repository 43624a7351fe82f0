package kafkabroker

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// port is a TCP port on 127.0.0.1, reserved for a child that will listen on it,
// now and again after a restart.
//
// The reservation is a socket that is bound and never listens. It was bound
// without SO_REUSEADDR, so the kernel gave it a port that nobody has, and gives
// that port to nobody who asks for any; it has SO_REUSEADDR since, so a child
// that asks for exactly this port, as Java does, gets it.
type port struct {
	number int
	fd     int
}

func reservePort() (*port, error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	p := &port{fd: fd}
	if err := p.bind(); err != nil {
		return nil, errors.Join(fmt.Errorf("reserve a port: %w", err), p.release())
	}
	return p, nil
}

func (p *port) bind() error {
	if err := syscall.Bind(p.fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	name, err := syscall.Getsockname(p.fd)
	if err != nil {
		return err
	}
	inet, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return fmt.Errorf("unexpected address %T", name)
	}
	p.number = inet.Port
	return syscall.SetsockoptInt(p.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
}

func (p *port) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

func (p *port) release() error { return syscall.Close(p.fd) }
