package measure

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/kafka-scaler/kafka-scaler/bench/cores"
)

// preferred is the niceness of the process that asks. If it had to wait until the brokers leave it their core, that
// would count as the time of an answer; with the priority of real time, it would keep the brokers from answering.
const preferred = -10

// apart gives the processes a core of their own, as one container with an exclusive core
// has, and the others to the brokers and to this process, which asks. It returns what ends
// that. An error says what could not be done, which leaves nothing half done.
func (t *Trial) apart(pids ...int) (end func(), err error) {
	layout, err := cores.Read()
	if err != nil {
		return func() {}, err
	}
	self := os.Getpid()
	others := append(t.cluster.PIDs(), self)
	end = func() {
		for _, pid := range append(others, pids...) {
			_ = layout.Share(pid) // it may have ended
		}
		_ = cores.Prefer(self, 0)
	}
	for _, pid := range pids {
		err = errors.Join(err, layout.Own(pid))
	}
	for _, pid := range others {
		err = errors.Join(err, layout.Rest(pid))
	}
	// Without the right to be preferred, the times are longer, for the scaler and the echo server alike.
	if refused := cores.Prefer(self, preferred); refused != nil && !errors.Is(refused, unix.EACCES) && !errors.Is(refused, unix.EPERM) {
		err = errors.Join(err, refused)
	}
	if err != nil {
		end()
		return func() {}, err
	}
	return end, nil
}
