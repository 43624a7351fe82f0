package kafka

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestBrokerText(t *testing.T) {
	hostile := "no\x1b[2J\r\nline\u202e"
	long := strings.Repeat("ß", maxBrokerText)
	for name, text := range map[string]string{
		"a message":       withMessage(30, hostile).Error(),
		"a long message":  withMessage(30, long).Error(),
		"a host":          (&connError{stage: stageConnect, addr: hostile + ":9092", err: errors.New("lookup " + hostile)}).Error(),
		"a bootstrap":     func() string { b := broker{addr: hostile}; b.node.Store(unknownNode); return b.name() }(),
		"a certificate":   brokerText(hostile),
		"not UTF-8":       brokerText("\xff\xfe"),
		"cut in the rune": brokerText(strings.Repeat("a", maxBrokerText-1) + "ßß"),
	} {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%s: %q", name, text)
		}
		if len(text) > maxBrokerText+100 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
	if got := withMessage(30, "why.").Error(); got != "GROUP_AUTHORIZATION_FAILED (30): why" {
		t.Errorf("got %q", got)
	}
}

func TestAddressesAreBounded(t *testing.T) {
	var a addresses
	for i := range 2 * maxAddresses {
		a.add(strconv.Itoa(i))
		if len(a.all) > maxAddresses {
			t.Fatalf("%d addresses", len(a.all))
		}
	}
	a.add("again")
	if !a.has("again") || a.has("never") {
		t.Error("the last address is not the one that is known")
	}
}
