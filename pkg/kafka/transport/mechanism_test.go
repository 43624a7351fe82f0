package transport

import (
	"strings"
	"testing"
)

// A mechanism that is not known is found when the configuration is checked. It never goes out as
// PLAIN, with the password.
func TestUnknownMechanismIsRefused(t *testing.T) {
	text := func() (string, error) { return "secret", nil }
	for name, m := range map[string]Mechanism{"a misspelt one": MechanismOf("scram_sha1"), "an empty name": MechanismOf(""), "none": nil} {
		if err := (&SASL{Mechanism: m, Username: text, Password: text}).Validate(); err == nil || !strings.Contains(err.Error(), "mechanism") {
			t.Errorf("%s: %v", name, err)
		}
		if m == nil {
			continue
		}
		if started, err := m.start(credential{"u", "secret"}); err == nil || started != nil {
			t.Errorf("%s was started: %v", name, started)
		}
	}
	for _, name := range []string{"plaintext", "scram_sha256", "scram_sha512"} {
		m := MechanismOf(name)
		if started, err := m.start(credential{"u", "secret"}); err != nil || started == nil || m.String() != name {
			t.Errorf("%s: %v, %v", name, started, err)
		}
	}
}
