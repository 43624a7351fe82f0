//go:build linux

package procfs

import (
	"net"
	"os"
	"testing"
)

func TestRead(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	after, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if after.Connections[port] != 1 || after.Accepted != before.Accepted+1 {
		t.Errorf("connections %v, accepted %d after %d: want one of each more", after.Connections, after.Accepted, before.Accepted)
	}
	if after.Descriptors <= before.Descriptors {
		t.Errorf("%d descriptors after %d", after.Descriptors, before.Descriptors)
	}
	if after.RSS <= 0 || after.PeakRSS < after.RSS {
		t.Errorf("RSS %d, peak %d", after.RSS, after.PeakRSS)
	}
}
