package proc

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// Port is a TCP port on 127.0.0.1, reserved for a child that will listen on it,
// now and again after a restart.
//
// The reservation is a socket that is bound and never listens. It was bound
// without SO_REUSEADDR, so the kernel gave it a port that nobody has, and gives
// that port to nobody who asks for any; it has SO_REUSEADDR since, so a child
// that asks for exactly this port, as Java does, gets it.
type Port struct {
	number int
	fd     int
}

// ReservePort reserves a port that is free. Release ends the reservation.
func ReservePort() (*Port, error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	p := &Port{fd: fd}
	if err := p.bind(); err != nil {
		return nil, errors.Join(fmt.Errorf("reserve a port: %w", err), p.Release())
	}
	return p, nil
}

func (p *Port) bind() error {
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

// Number is the port's number.
func (p *Port) Number() int { return p.number }

// Address is the port with its host, as programs take it.
func (p *Port) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

// Release gives the port back. A child that listens on it is not concerned.
func (p *Port) Release() error { return syscall.Close(p.fd) }
