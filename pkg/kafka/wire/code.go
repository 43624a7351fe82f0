package wire

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Code is an error code of the Kafka protocol, as an error.
type Code int16

// Error gives the name that Kafka's documentation uses, and the number.
func (c Code) Error() string {
	e := kerr.TypedErrorForCode(int16(c))
	if e == nil || e.Code != int16(c) {
		return fmt.Sprintf("Kafka error %d", int16(c))
	}
	return fmt.Sprintf("%s (%d)", e.Message, e.Code)
}

// WithMessage adds what the broker said besides the code.
func WithMessage(code int16, text string) error {
	if text == "" {
		return Code(code)
	}
	return fmt.Errorf("%w: %s", Code(code), Text(strings.TrimSuffix(text, ".")))
}

// Error codes that change what the client does. Numbers and meanings:
// https://kafka.apache.org/protocol.html#protocol_error_codes.
const (
	OffsetOutOfRange          int16 = 1
	UnknownTopicOrPartition   int16 = 3
	LeaderNotAvailable        int16 = 5
	NotLeaderOrFollower       int16 = 6
	ReplicaNotAvailable       int16 = 9
	CoordinatorLoadInProgress int16 = 14
	CoordinatorNotAvailable   int16 = 15
	NotCoordinator            int16 = 16
	TopicAuthorizationFailed  int16 = 29
	UnsupportedVersion        int16 = 35
	KafkaStorageError         int16 = 56
	GroupIDNotFound           int16 = 69
	UnstableOffsetCommit      int16 = 88
	ListenerNotFound          int16 = 72
	FencedLeaderEpoch         int16 = 74
	UnknownLeaderEpoch        int16 = 75
	OffsetNotAvailable        int16 = 78
)
