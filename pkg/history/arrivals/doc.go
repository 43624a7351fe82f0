// Package arrivals reads from the logs themselves how many records arrived when: ListOffsets by time, for which
// DESCRIBE on the topics is enough. Nothing is consumed, and nothing is written.
//
// A [Reader] does so in the background for the triggers with targetLatency, one a cluster: [Reader.Read] begins a
// [Reading], whose spans are then taken as they come, newest first. [Read] does it at once, for the commands.
//
//	read.go       Read: all at once, for people
//	reader.go     Reader: rounds in the background, each for many readings
//	reading.go    Reading: how far one has come
//	schedule.go   the times that are asked about
//	ask.go        one round of requests
package arrivals
