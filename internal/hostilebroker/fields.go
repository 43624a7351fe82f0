package hostilebroker

import (
	"errors"
	"math"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// errEnough ends a connection from the broker's side.
var errEnough = errors.New("the broker has had enough")

// changed is the behaviour of a broker whose answers are healthy but for one change.
func changed(change func(*session, kmsg.Response)) behaviour {
	return behaviour{answer: func(s *session, r request) error {
		if err := s.waitAsAsked(r); err != nil {
			return err
		}
		resp := s.plausible(r)
		change(s, resp)
		return s.send(r, resp)
	}}
}

// randomFields changes about one value in ten.
func randomFields(s *session, resp kmsg.Response) {
	// Without its versions a client asks for nothing else.
	if resp.Key() == apiVersions && !s.chance(10) {
		return
	}
	s.walk(reflect.ValueOf(resp).Elem(), 10, s.randomize)
}

// errorCodes changes every third error code.
func errorCodes(s *session, resp kmsg.Response) {
	if resp.Key() == apiVersions && !s.chance(10) {
		return
	}
	s.walk(reflect.ValueOf(resp).Elem(), 1, func(name string, v reflect.Value) {
		if name == "ErrorCode" && s.chance(3) {
			v.SetInt(int64(s.rand.IntN(140)) - 2)
		}
		if name == "ErrorMessage" && s.chance(3) {
			v.Set(reflect.ValueOf(new("the broker does not feel like it")))
		}
	})
}

// walk calls do with one field in so many, and its name.
func (s *session) walk(v reflect.Value, in int, do func(name string, v reflect.Value)) {
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		if name == "Version" || name == "UnknownTags" || !field.CanSet() {
			continue
		}
		if field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct {
			for j := range field.Len() {
				s.walk(field.Index(j), in, do)
			}
		}
		if in == 1 || s.chance(in) {
			do(name, field)
		}
	}
}

// randomize gives a field another value: one from the edges of its type, mostly.
func (s *session) randomize(_ string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		edges := []int64{-1, 0, 1, -2, math.MaxInt16, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, 1 << 20, int64(s.rand.Uint64())}
		v.SetInt(edges[s.rand.IntN(len(edges))])
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		v.SetString(s.text())
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.ValueOf(new(s.text())))
		}
	case reflect.Slice:
		s.randomizeSlice(v)
	default: // arrays, such as topic ids, are what they are
	}
}

// randomizeSlice doubles, cuts or empties.
func (s *session) randomizeSlice(v reflect.Value) {
	switch n := v.Len(); s.rand.IntN(4) {
	case 0:
		v.SetZero()
	case 1:
		v.Set(v.Slice(0, n/2))
	case 2:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(s.noise(s.rand.IntN(1024)))
		}
	default:
		for range s.rand.IntN(4) {
			v.Set(reflect.AppendSlice(v, v.Slice(0, n)))
		}
	}
}

// text is a text that hardly anybody expects.
func (s *session) text() string {
	texts := []string{"", "hostile-0", "\x00", "\x1b[2J\x1b[H", "a\r\nb", "\xff\xfe", "../../etc", "\u202e", "127.0.0.1", string(s.noise(s.rand.IntN(300)))}
	return texts[s.rand.IntN(len(texts))]
}
