package scaledobject

import (
	"fmt"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// Ref is how KEDA names a trigger: by its ScaledObject, and all that is written in it.
type Ref struct {
	Namespace, Name string
	// Metadata is kept, and must not be changed any more.
	Metadata map[string]string
}

// Kubernetes' own bounds for names, in bytes. Ours go into logs and labels of metrics.
const (
	maxNamespace = 63
	maxName      = 253
)

// check refuses what Kubernetes would not have taken either.
func (r Ref) check() error {
	if len(r.Namespace) <= maxNamespace && len(r.Name) <= maxName {
		return nil
	}
	return &fault.Error{
		Kind: fault.Invalid, Op: "look up", Object: "the ScaledObject",
		Err: fmt.Errorf("its namespace has %d bytes and its name %d, and Kubernetes allows %d and %d",
			len(r.Namespace), len(r.Name), maxNamespace, maxName),
		Remedy: "ask with the names that the ScaledObject has in Kubernetes",
	}
}

// cut shortens the names to what Kubernetes allows, and leaves the metadata out.
func (r Ref) cut() Ref {
	return Ref{Namespace: r.Namespace[:min(len(r.Namespace), maxNamespace)], Name: r.Name[:min(len(r.Name), maxName)]}
}
