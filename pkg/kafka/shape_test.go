package kafka

import (
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// spoken are all the requests that the client sends, with their versions.
var spoken = []struct {
	versions transport.Span
	request  func() kmsg.Request
}{
	{transport.Between(0, 0), func() kmsg.Request { return kmsg.NewPtrApiVersionsRequest() }},
	{transport.Between(1, 1), func() kmsg.Request { return kmsg.NewPtrSASLHandshakeRequest() }},
	{transport.Between(0, 1), func() kmsg.Request { return kmsg.NewPtrSASLAuthenticateRequest() }},
	{offsetFetchOneVersions, func() kmsg.Request { return kmsg.NewPtrOffsetFetchRequest() }},
	{findCoordinatorVersions, func() kmsg.Request { return kmsg.NewPtrFindCoordinatorRequest() }},
	{findCoordinatorsVersions, func() kmsg.Request { return kmsg.NewPtrFindCoordinatorRequest() }},
	{describeGroupsVersions, func() kmsg.Request { return kmsg.NewPtrDescribeGroupsRequest() }},
	{consumerGroupDescribeVersions, func() kmsg.Request { return kmsg.NewPtrConsumerGroupDescribeRequest() }},
}

// fill puts something into every field of a message.
func fill(v reflect.Value, elements int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), elements)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[kmsg.Tags]() {
			tags := v.Addr().Interface().(*kmsg.Tags)
			tags.Set(99, []byte("tag"))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Version" {
				fill(v.Field(i), elements)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), elements, elements))
		for i := range elements {
			fill(v.Index(i), elements)
		}
	case reflect.String:
		v.SetString("text")
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	}
}

// Every version that we speak has the shape that kmsg writes, to the last byte.
func TestShapesAreThoseOfTheMessages(t *testing.T) {
	for _, api := range spoken {
		for version := api.versions.Min; version <= api.versions.Max; version++ {
			for elements := range 3 {
				req := api.request()
				req.SetVersion(version)
				resp := req.ResponseKind()
				fill(reflect.ValueOf(resp).Elem(), elements)
				body := resp.AppendTo(nil)
				if err := wire.CheckShape(resp, body); err != nil {
					t.Errorf("%d elements: %v", elements, err)
				}
				if err := wire.CheckShape(resp, body[:len(body)-1]); err == nil {
					t.Errorf("%s v%d with %d elements: one byte less is not noticed", kmsg.NameForKey(req.Key()), version, elements)
				}
			}
		}
	}
}
