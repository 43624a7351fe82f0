package cli

import (
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/internal/terminal"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// PrintError writes an error for people: joined ones each on a line, and the problems of a configuration too.
func PrintError(w io.Writer, err error) {
	p := terminal.New(w)
	for _, err := range Flatten(err) {
		problems := config.Problems(nil)
		if f := (*fault.Error)(nil); errors.As(err, &f) && errors.As(err, &problems) {
			p.Linef("Error: %s %s:", f.Op, f.Object)
			for _, problem := range problems {
				p.Linef("  %s", problem)
			}
			continue
		}
		p.Linef("Error: %s", err)
	}
}

// Flatten returns the errors that were joined, none for nil.
func Flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	var texts []string
	for _, part := range joined.Unwrap() {
		all = append(all, Flatten(part)...)
		texts = append(texts, part.Error())
	}
	// Others that wrap several errors have a text of their own.
	if strings.Join(texts, "\n") != err.Error() {
		return []error{err}
	}
	return all
}

// PlainStatus is the text of a gRPC status: the code says nothing that the text does not. Other errors pass as they
// are.
func PlainStatus(err error) error {
	if s, ok := status.FromError(err); ok && err != nil {
		return errors.New(s.Message())
	}
	return err
}
