package transport

import "time"

// Observer is told what is done with brokers. Its methods are called from many
// goroutines and must return at once.
type Observer interface {
	// RequestDone reports one request: its API by Kafka's name, the broker's id or -1 for a bootstrap
	// server, the time including the wait for a free connection, and why no response came. Error codes
	// within a response are not its business.
	RequestDone(api string, broker int32, took time.Duration, err error)
	// ConnectDone reports one attempt to open and authenticate a connection.
	ConnectDone(broker int32, took time.Duration, err error)
	// Panicked reports a panic that was contained, and what it ended. It is a defect of this package.
	Panicked(where string)
}

// BrokerStats are the connections to one broker.
type BrokerStats struct {
	// Broker is its id, or -1 for a bootstrap server that metadata has not named.
	Broker  int32
	Address string
	// Open counts connections, Idle those of them that no request is using, Waiting those for waits.
	Open, Idle, Waiting int
}
