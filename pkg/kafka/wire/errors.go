package wire

import (
	"errors"
	"fmt"
	"io"
)

// ErrTLSAlert and ErrNotKafka are what a first answer of the wrong protocol looks like.
var (
	ErrTLSAlert = errors.New("the answer is a TLS alert")
	ErrNotKafka = errors.New("the answer is not a Kafka response")
)

// TooLargeError is an answer that names more than can be meant.
type TooLargeError struct {
	what string
	most int
}

// Error says what it has too much of.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the broker's answer has more than %d %s", e.most, e.what)
}

// TooLarge is the error of an answer with more than most of something.
func TooLarge(what string, most int) error { return &TooLargeError{what, most} }

// Ended tells whether a read failed because there is no more.
func Ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
