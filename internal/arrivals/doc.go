// Package arrivals reads from the logs themselves how many records arrived when: ListOffsets by time, for which
// DESCRIBE on the topics is enough. Nothing is consumed, and nothing is written.
package arrivals
