// Package cli is what every command of the scaler needs, whatever it does: the
// process around it, its flags' environment variables, the form of its output and
// its errors.
package cli

import (
	"fmt"
	"io"
)

// Process is what the commands use of the process around them.
type Process struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// LookupEnv is [os.LookupEnv].
	LookupEnv func(string) (string, bool)
}

// UsageError is a mistake in the command line that a command finds itself.
type UsageError struct{ problem string }

// Error implements error.
func (e *UsageError) Error() string { return e.problem }

// Usagef makes a command exit with the code for wrong usage. The error is a [*UsageError].
func Usagef(format string, args ...any) error {
	return &UsageError{problem: fmt.Sprintf(format, args...)}
}
