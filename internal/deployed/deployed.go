// Package deployed reads what the Deployment of a manifest gives the scaler, for
// those who run the binary under the same limits.
package deployed

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// Limits are what the deployment gives the container.
type Limits struct {
	// GOMAXPROCS is the CPU limit, which the Go runtime reads itself in a container.
	GOMAXPROCS int `json:"gomaxprocs"`
	// MemoryLimit is GOMEMLIMIT, in bytes.
	MemoryLimit int64 `json:"memoryLimit"`
	// Memory is limits.memory, in bytes, beyond which the kernel kills the container.
	Memory int64 `json:"memory,omitempty"`
}

// deployment is as much of a Deployment as holds limits.
type deployment struct {
	Kind string
	Spec struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Env       []struct{ Name, Value string }
					Resources struct {
						Limits struct{ CPU, Memory string }
					}
				}
			}
		}
	}
}

// ReadLimits reads them from the Deployment in a manifest.
func ReadLimits(manifest string) (Limits, error) {
	content, err := os.ReadFile(manifest)
	if err != nil {
		return Limits{}, err
	}
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		var d deployment
		if err := yaml.Unmarshal([]byte(document), &d); err != nil {
			return Limits{}, fmt.Errorf("%s: %w", manifest, err)
		}
		if d.Kind != "Deployment" || len(d.Spec.Template.Spec.Containers) == 0 {
			continue
		}
		container := d.Spec.Template.Spec.Containers[0]
		l, err := Limits{}, error(nil)
		l.GOMAXPROCS, err = strconv.Atoi(container.Resources.Limits.CPU)
		errs := []error{err}
		memory := ""
		for _, e := range container.Env {
			if e.Name == "GOMEMLIMIT" {
				memory = e.Value
			}
		}
		l.MemoryLimit, err = mebibytes(memory, "MiB")
		errs = append(errs, err)
		l.Memory, err = mebibytes(container.Resources.Limits.Memory, "Mi")
		if err := errors.Join(append(errs, err)...); err != nil {
			return Limits{}, fmt.Errorf("%s: the CPU limit, GOMEMLIMIT and the memory limit: %w", manifest, err)
		}
		return l, nil
	}
	return Limits{}, fmt.Errorf("%s: no Deployment", manifest)
}

func mebibytes(text, unit string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSuffix(text, unit), 10, 64)
	return n << 20, err
}

// Env are the limits as the Go runtime reads them, after the process's own environment.
func (l Limits) Env() []string {
	return append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", l.GOMAXPROCS), fmt.Sprintf("GOMEMLIMIT=%d", l.MemoryLimit))
}
