package explanation

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// JSON returns the message as values for encoding/json: the names of protobuf's
// own JSON, but numbers as numbers, since jq takes "5" for something else than 5.
// Times are RFC 3339, durations seconds. Fields that are not set are there too,
// except messages.
//
// notes are the sentences of the text that are about the subject: what its numbers leave out, among others.
func JSON(e *kafkascalerv1.Explanation, s Subject) map[string]any {
	out := object(e.ProtoReflect())
	out["notes"] = append(append([]string{}, s.notes()...), s.leftOut()...)
	return out
}

func object(m protoreflect.Message) map[string]any {
	fields := m.Descriptor().Fields()
	out := make(map[string]any, fields.Len())
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsList():
			out[f.JSONName()] = list(f, m.Get(f).List())
		case f.Kind() != protoreflect.MessageKind:
			out[f.JSONName()] = m.Get(f).Interface()
		case m.Has(f):
			out[f.JSONName()] = message(m.Get(f).Message())
		}
	}
	return out
}

func list(f protoreflect.FieldDescriptor, l protoreflect.List) []any {
	out := make([]any, l.Len())
	for i := range out {
		if f.Kind() == protoreflect.MessageKind {
			out[i] = message(l.Get(i).Message())
		} else {
			out[i] = l.Get(i).Interface()
		}
	}
	return out
}

func message(m protoreflect.Message) any {
	switch v := m.Interface().(type) {
	case *timestamppb.Timestamp:
		return v.AsTime()
	case *durationpb.Duration:
		return v.AsDuration().Seconds()
	default:
		return object(m)
	}
}
