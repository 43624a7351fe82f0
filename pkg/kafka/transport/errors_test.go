package transport

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/wire"
)

// mostText is about how much is quoted of a broker.
const mostText = 300

func TestBrokerText(t *testing.T) {
	hostile := "no\x1b[2J\r\nline\u202e"
	long := strings.Repeat("ß", mostText)
	for name, text := range map[string]string{
		"a message":       wire.WithMessage(30, hostile).Error(),
		"a long message":  wire.WithMessage(30, long).Error(),
		"a host":          (&ConnError{stage: StageConnect, addr: hostile + ":9092", err: errors.New("lookup " + hostile)}).Error(),
		"a bootstrap":     func() string { b := Broker{addr: hostile}; b.node.Store(UnknownNode); return b.Name() }(),
		"a certificate":   wire.Text(hostile),
		"not UTF-8":       wire.Text("\xff\xfe"),
		"cut in the rune": wire.Text(strings.Repeat("a", mostText-1) + "ßß"),
	} {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%s: %q", name, text)
		}
		if len(text) > mostText+100 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
	if got := wire.WithMessage(30, "why.").Error(); got != "GROUP_AUTHORIZATION_FAILED (30): why" {
		t.Errorf("got %q", got)
	}
}

func TestAddressesAreBounded(t *testing.T) {
	var a Addresses
	for i := range 2 * maxAddresses {
		a.Add(strconv.Itoa(i))
		if len(a.all) > maxAddresses {
			t.Fatalf("%d addresses", len(a.all))
		}
	}
	a.Add("again")
	if !a.Has("again") || a.Has("never") {
		t.Error("the last address is not the one that is known")
	}
}
