package device

import (
	"syscall"

	"github.com/kafka-scaler/kafka-scaler/internal/metricspage"
)

// Metrics are the values on the metrics page.
type Metrics = metricspage.Metrics

// Metrics reads the page.
func (s *Scaler) Metrics() (Metrics, error) {
	page, err := s.page("/metrics")
	if err != nil {
		return nil, err
	}
	return metricspage.Parse(page), nil
}

// BeginProfile and EndProfile take a CPU profile between them, see [Build].
func (s *Scaler) BeginProfile() error { return s.process.Signal(syscall.SIGUSR1) }

// EndProfile ends what BeginProfile began.
func (s *Scaler) EndProfile() error { return s.process.Signal(syscall.SIGUSR2) }
