// Package transport connects to brokers: TCP, TLS, the question which versions the
// broker speaks, SASL, and then one request at a time on each of a few connections,
// which are kept while they are used. Every step has a deadline, every answer a bound.
//
// It knows requests by their API and version only: whom to ask what is the business of
// pkg/kafka.
package transport
