package hostilebroker

import (
	"maps"
	"slices"
)

// Kind is what a broker does.
type Kind string

// The kinds that do not speak as Kafka does.
const (
	// RandomBytes sends random bytes, at once and for each request.
	RandomBytes Kind = "random-bytes"
	// RandomBodies sends frames with the right size and correlation id around a random body.
	RandomBodies Kind = "random-bodies"
	// WrongIDs sends healthy answers to requests that nobody made.
	WrongIDs Kind = "wrong-ids"
	// HugeFrames announces frames of up to 2 GiB, and sends up to 32 MiB of some of them.
	HugeFrames Kind = "huge-frames"
	// FlippedBits sends healthy answers in which bits are flipped, bytes cut off or counts replaced by large ones.
	FlippedBits Kind = "flipped-bits"
	// Chatty sends more than it was asked for.
	Chatty Kind = "chatty"
)

// The kinds that are slow, or gone.
const (
	// NeverAnswers takes every request and says nothing.
	NeverAnswers Kind = "never-answers"
	// OneByteASecond sends healthy answers, a byte a second.
	OneByteASecond Kind = "one-byte-a-second"
	// Closes ends connections at random: at once, for a request, within an answer.
	Closes Kind = "closes"
)

// The kinds whose answers have the right form.
const (
	// Plausible does no harm.
	Plausible Kind = "plausible"
	// RandomFields puts random values into healthy answers: numbers, texts, elements doubled and left out.
	RandomFields Kind = "random-fields"
	// ErrorCodes puts error codes into healthy answers, known and unknown ones.
	ErrorCodes Kind = "error-codes"
	// PartitionMillion says that each topic has a partition 1048576.
	PartitionMillion Kind = "partition-million"
	// DuplicatePartitions lists every partition several times, with other leaders and offsets.
	DuplicatePartitions Kind = "duplicate-partitions"
	// MillionTopics has a million topics, and names them all.
	MillionTopics Kind = "million-topics"
	// ManyBrokers says that its cluster has 20,000 brokers, all of them at its own address.
	ManyBrokers Kind = "many-brokers"
	// MovingLeaders names other leaders with every answer, most of which are no brokers.
	MovingLeaders Kind = "moving-leaders"
	// ForbiddenAddress advertises the address of [Options.Advertise].
	ForbiddenAddress Kind = "forbidden-address"
	// OtherCluster names another cluster id on every connection.
	OtherCluster Kind = "other-cluster"
	// StaleEpochs answers for log ends as a leader of an older epoch than the commits have: what it says of lag is
	// not to be believed.
	StaleEpochs Kind = "stale-epochs"
	// Escapes puts escape sequences and line ends into every text.
	Escapes Kind = "escapes"
	// OddVersions says that it speaks versions that there are not.
	OddVersions Kind = "odd-versions"
)

// The kinds that harm by what their answers cost.
const (
	// ScramIterations asks for two billion iterations of SCRAM.
	ScramIterations Kind = "scram-iterations"
	// FatMembers describes groups by members with megabytes of their own bytes.
	FatMembers Kind = "fat-members"
	// AbortedTransactions sends tens of thousands of aborted transactions with as many batches.
	AbortedTransactions Kind = "aborted-transactions"
	// BadBatches sends record batches that are cut off, compressed or of no known format, and no pause between.
	BadBatches Kind = "bad-batches"
)

// behaviour is what a kind does. What greet and answer return as an error ends the connection.
type behaviour struct {
	// greet is done when a connection comes; nil for nothing.
	greet  func(*session) error
	answer func(*session, request) error
}

// behaviours are all kinds.
func behaviours() map[Kind]behaviour {
	return map[Kind]behaviour{
		RandomBytes:    {greet: sendNoise, answer: func(s *session, _ request) error { return sendNoise(s) }},
		RandomBodies:   {answer: sendRandomBody},
		WrongIDs:       {answer: answerAnotherRequest},
		HugeFrames:     {answer: announceTooMuch},
		FlippedBits:    {answer: answerDamaged},
		Chatty:         {answer: answerTwice},
		NeverAnswers:   {answer: func(s *session, _ request) error { return s.stall() }},
		OneByteASecond: {answer: dribble},
		Closes:         {greet: closeAtRandom, answer: closeWithin},

		Plausible:           {answer: answerPlausibly},
		RandomFields:        changed(randomFields),
		ErrorCodes:          changed(errorCodes),
		PartitionMillion:    changed(partitionMillion),
		DuplicatePartitions: changed(duplicatePartitions),
		MillionTopics:       {answer: nameMillionTopics},
		ManyBrokers:         changed(manyBrokers),
		MovingLeaders:       changed(movingLeaders),
		ForbiddenAddress:    changed(forbiddenAddress),
		OtherCluster:        changed(otherCluster),
		StaleEpochs:         changed(staleEpochs),
		Escapes:             changed(escapes),
		OddVersions:         changed(oddVersions),

		ScramIterations:     changed(scramIterationsWithoutEnd),
		FatMembers:          changed(fatMembers),
		AbortedTransactions: {answer: sendAbortedTransactions},
		BadBatches:          {answer: sendBadBatches},
	}
}

// Kinds are all kinds, in the order of their names.
func Kinds() []Kind { return slices.Sorted(maps.Keys(behaviours())) }
