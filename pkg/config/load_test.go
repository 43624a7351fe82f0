package config

import (
	"cmp"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	write(t, bad, "log: {level: loud}\nhttp: {listenAddress: x}")
	large := filepath.Join(dir, "large.yaml")
	write(t, large, "log: {level: info}\n"+strings.Repeat("#", maxBytes))
	for name, tc := range map[string]struct {
		path string
		kind fault.Kind
		want []string
	}{
		"missing":   {filepath.Join(dir, "none.yaml"), fault.NotFound, []string{"none.yaml", "no such file", "--config"}},
		"directory": {dir, fault.Invalid, []string{dir, "is a directory"}},
		"too large": {large, fault.Invalid, []string{"large.yaml", "it is larger than 1048576 bytes; check that the path given in --config"}},
		"bad":       {bad, fault.Invalid, []string{"bad.yaml", `log.level: needs one of debug, info, warn, error (got "loud")`, "http.listenAddress"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(tc.path)
			if fault.KindOf(err) != tc.kind {
				t.Fatalf("got %v of kind %v, want kind %v", err, fault.KindOf(err), tc.kind)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
	_, err := Load(bad)
	if problems := Problems(nil); !errors.As(err, &problems) || len(problems) != 2 {
		t.Errorf("got %v, want two problems", err)
	}
}

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		write(t, path, content)
		return path
	}
	env := map[string]string{"USER_NAME": "from-env", "PASSWORD": " spaces count ", "EMPTY": ""}
	for name, tc := range map[string]struct {
		sasl               SASL
		username, password string
		err                string
	}{
		"literal and file":   {sasl: SASL{Username: "scaler", PasswordFile: file("p1", "s3cret\n")}, username: "scaler", password: "s3cret"},
		"files":              {sasl: SASL{UsernameFile: file("u", "joe\r\n"), PasswordFile: file("p2", "a\n\n")}, username: "joe", password: "a\n"},
		"environment":        {sasl: SASL{UsernameEnv: "USER_NAME", PasswordEnv: "PASSWORD"}, username: "from-env", password: " spaces count "},
		"missing file":       {sasl: SASL{Username: "u", PasswordFile: filepath.Join(dir, "none")}, err: "none: no such file"},
		"empty file":         {sasl: SASL{Username: "u", PasswordFile: file("empty", "\n")}, err: "empty"},
		"missing variable":   {sasl: SASL{Username: "u", PasswordEnv: "NONE"}, err: "NONE: not set or empty"},
		"empty variable":     {sasl: SASL{UsernameEnv: "EMPTY", PasswordEnv: "PASSWORD"}, err: "EMPTY: not set or empty"},
		"unreadable as file": {sasl: SASL{Username: "u", PasswordFile: dir}, err: "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			lookupEnv := func(k string) (string, bool) { v, ok := env[k]; return v, ok }
			username, usernameErr := tc.sasl.ReadUsername(lookupEnv)
			password, passwordErr := tc.sasl.ReadPassword(lookupEnv)
			err := cmp.Or(usernameErr, passwordErr)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || fault.KindOf(err) != fault.Invalid {
					t.Fatalf("got %v, want an invalid error with %q", err, tc.err)
				}
				return
			}
			if err != nil || username != tc.username || password != tc.password {
				t.Errorf("got %q, %q, %v; want %q, %q", username, password, err, tc.username, tc.password)
			}
		})
	}
}

func TestAllows(t *testing.T) {
	for _, tc := range []struct {
		allow   []string
		address string
		want    bool
	}{
		{nil, "kafka:9092", false},
		{[]string{"*"}, "kafka:9092", true},
		{[]string{"*.kafka.svc:9092"}, "b0.kafka.svc:9092", true},
		{[]string{"*.kafka.svc:9092"}, "b0.kafka.svc:9093", false},
		{[]string{"other:1", "b?:9092"}, "b7:9092", true},
		{[]string{"b?:9092"}, "b10:9092", false},
		{[]string{"[::1]:9092"}, "[::1]:9092", true},
		{[]string{"kafka:9092"}, "evil-kafka:9092", false},
	} {
		if got := (InlineBootstrapServers{Allow: tc.allow}).Allows(tc.address); got != tc.want {
			t.Errorf("%v allows %s: %v, want %v", tc.allow, tc.address, got, tc.want)
		}
	}
}

func TestDefaultsAreValid(t *testing.T) {
	for name, c := range map[string]Config{"Default": Default(), "WithoutFile": WithoutFile()} {
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if Default().InlineBootstrapServers.Allows("kafka:9092") || !WithoutFile().InlineBootstrapServers.Allows("kafka:9092") {
		t.Error("inline bootstrap servers must be allowed without a file, and only then")
	}
}

func TestEffectiveRefresh(t *testing.T) {
	c := Default()
	cl := DefaultCluster()
	if got := c.EffectiveRefresh(cl); got != c.Refresh {
		t.Errorf("got %+v, want %+v", got, c.Refresh)
	}
	cl.RequestTimeout, cl.RefreshInterval = 7, 8
	if got := c.EffectiveRefresh(cl); got.RequestTimeout != 7 || got.Interval != 8 || got.IdleAfter != c.Refresh.IdleAfter {
		t.Errorf("got %+v", got)
	}
}
