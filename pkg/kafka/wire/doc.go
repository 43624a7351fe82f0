// Package wire knows how answers of brokers are laid out: [Reader] reads primitives,
// from a connection or from bytes that are there, [CheckShape] holds the layouts of
// what kmsg decodes, and [Code] has the names of error codes. Nothing in an answer is
// believed before its bytes are there.
//
// It knows no connection, no cluster, and no error that a user meets.
package wire
