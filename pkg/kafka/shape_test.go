package kafka

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// spoken are all the requests that the client sends, with their versions.
var spoken = []struct {
	versions span
	request  func() kmsg.Request
}{
	{span{0, 0}, func() kmsg.Request { return kmsg.NewPtrApiVersionsRequest() }},
	{span{1, 1}, func() kmsg.Request { return kmsg.NewPtrSASLHandshakeRequest() }},
	{saslAuthenticateVersions, func() kmsg.Request { return kmsg.NewPtrSASLAuthenticateRequest() }},
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
		for version := api.versions.min; version <= api.versions.max; version++ {
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

// Counts that the bytes do not bear out are refused before anything is made of them.
func TestCountsAreNotBelieved(t *testing.T) {
	many := []byte{0xff, 0xff, 0xff, 0xff, 0x0f} // 2^32-1
	tests := map[string]struct {
		request kmsg.Request
		body    []byte
	}{
		"elements":       {kmsg.NewPtrFindCoordinatorRequest(), append([]byte{0, 0, 0, 0}, many...)},
		"tagged fields":  {kmsg.NewPtrFindCoordinatorRequest(), append([]byte{0, 0, 0, 0, 1}, many...)},
		"a tag's size":   {kmsg.NewPtrFindCoordinatorRequest(), append([]byte{0, 0, 0, 0, 1, 1, 1}, many...)},
		"an endless tag": {kmsg.NewPtrFindCoordinatorRequest(), bytes.Repeat([]byte{0xff}, 30)},
		"old elements":   {kmsg.NewPtrDescribeGroupsRequest(), []byte{0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			req := test.request
			req.SetVersion(4)
			body := []byte{0, 0, 0, 1}
			if req.IsFlexible() {
				body = append(body, 0)
			}
			body = append(body, test.body...)
			x := exchange{formatter: kmsg.NewRequestFormatter(), id: 1, req: req}
			start := time.Now()
			_, err := x.RawExchange(received{bytes.NewReader(frame(uint32(len(body)), body))})
			if !errors.Is(err, wire.ErrNotKafka) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
