package transport

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// The broker says how many iterations the client makes: two billion would take it half an hour.
func TestScramIterationsAreBounded(t *testing.T) {
	for _, m := range []Mechanism{ScramSHA256, ScramSHA512} {
		for asked, refused := range map[string]bool{
			"4096": false, "16384": false, "65536": false,
			"4095": true, "1": true, "0": true, "-1": true, "65537": true, "2000000000": true, "99999999999999999999": true, "\x1b[2J": true,
		} {
			mechanism, err := m.start(credential{"u", "secret"})
			if err != nil {
				t.Fatal(err)
			}
			session, first, err := mechanism.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, nonce, _ := strings.Cut(string(first), ",r=")
			_, response, err := session.Next(t.Context(), []byte("r="+nonce+"more,s=c2FsdA==,i="+asked))
			if !refused {
				if err != nil || len(response) == 0 {
					t.Errorf("%s with %s iterations: %v", m, asked, err)
				}
				continue
			}
			wanted, ok := errors.AsType[*fault.Error](err)
			if !ok || wanted.Kind != fault.Precondition || !strings.Contains(err.Error(), "4096 to 65536") || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("%s with %s iterations: %v", m, asked, err)
			}
		}
	}
}

func TestScramIsAbandonedAtTheDeadline(t *testing.T) {
	mechanism, err := ScramSHA256.start(credential{"u", "secret"})
	if err != nil {
		t.Fatal(err)
	}
	session, _, err := mechanism.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(ErrClosed)
	if _, _, err := session.Next(gone, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// What is no first message of a server is left to the mechanism, which refuses it.
func TestScramMessagesOfOtherForms(t *testing.T) {
	for _, message := range []string{"", ",", "r=a,s=b", "r=a,s=b,x=1", "e=other-error"} {
		if err := checkIterations(message); err != nil {
			t.Errorf("%q: %v", message, err)
		}
	}
}

// BenchmarkScram is what the most iterations cost that a broker may ask for.
func BenchmarkScram(b *testing.B) {
	for b.Loop() {
		mechanism, err := ScramSHA512.start(credential{"u", "secret"}) // it remembers what it has computed
		if err != nil {
			b.Fatal(err)
		}
		session, first, _ := mechanism.Start(b.Context())
		_, nonce, _ := strings.Cut(string(first), ",r=")
		if _, _, err := session.Next(b.Context(), []byte("r="+nonce+"more,s=c2FsdA==,i=65536")); err != nil {
			b.Fatal(err)
		}
	}
}
