package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

func TestElementsAreBounded(t *testing.T) {
	// A topic of three bytes: name, no partitions, tags.
	body := append([]byte{0, 0, 0, 0}, 0xc1, 0x9a, 0x12) // 298,304 topics
	body = append(body, bytes.Repeat([]byte{1, 1, 0}, maxElements+1)...)
	req := kmsg.NewPtrOffsetFetchRequest()
	req.SetVersion(6)
	err := CheckShape(req.ResponseKind(), body)
	if _, large := errors.AsType[*TooLargeError](err); !large {
		t.Errorf("got %v", err)
	}
}

// A reader reads the same of bytes that are there and of those that come one by one.
func TestReadersAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "body")
		flexible := rapid.Bool().Draw(t, "flexible")
		read := func(in *Reader) (all []any) {
			in.Flexible = flexible
			for range 4 {
				all = append(all, in.Int8(), in.Int16(), in.Int32(), in.Int64(), in.Count(), string(in.String()))
				in.SkipString()
				in.Skip(3)
				in.Tags()
			}
			return append(all, in.Err() == nil)
		}
		there, comes := read(Bytes(body)), read(Stream(iotest.OneByteReader(bytes.NewReader(body))))
		for i := range there {
			if there[i] != comes[i] {
				t.Errorf("field %d: %v and %v", i, there[i], comes[i])
			}
		}
	})
}

// A string is longer than the buffer, and nothing is read twice.
func TestReaderGrowsForAString(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	body := append([]byte{0x27, 0x10}, long...)
	body = append(body, 0, 7)
	in := Stream(iotest.HalfReader(bytes.NewReader(body)))
	if got := string(in.String()); got != long || in.Int16() != 7 || in.Err() != nil {
		t.Errorf("%d bytes, %v", len(got), in.Err())
	}
	if in.Int8(); !errors.Is(in.Err(), io.EOF) || !Ended(in.Err()) {
		t.Errorf("at the end: %v", in.Err())
	}
	if !Ended(func() error { in := Bytes([]byte{1}); in.Int16(); return in.Err() }()) {
		t.Error("one byte holds no number of two")
	}
}

// An answer may have no body: passing over what is not there ends.
func TestReaderOfNothing(t *testing.T) {
	for _, body := range [][]byte{nil, {}} {
		in := Bytes(body)
		if in.Skip(4); !Ended(in.Err()) {
			t.Errorf("got %v", in.Err())
		}
	}
}
