package kafkabroker

import (
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	tests := []struct {
		name    string
		opts    Options
		wantErr string
	}{
		{"zero value", Options{}, ""},
		{"three brokers of the oldest version", Options{Version: Oldest, Brokers: 3}, ""},
		{"negative", Options{Brokers: -1}, "ask for 1 to 99"},
		{"so many that one would be the controller", Options{Brokers: 100}, "ask for 1 to 99"},
		{"unknown version", Options{Version: "3.9.2"}, "only 2.x and 4.x"},
		{"secure and old", Options{Version: Oldest, Security: &Security{}}, "only set up for 4.x"},
		{"password that would need quoting", Options{Security: &Security{Users: map[string]string{"u": `a"b`}}}, `user "u"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.opts.withDefaults()
			if test.wantErr == "" {
				if err != nil || got.Brokers == 0 || got.Version == "" {
					t.Errorf("withDefaults() = %+v, %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("error %v, want one with %q", err, test.wantErr)
			}
			if err != nil && strings.Contains(err.Error(), `a"b`) {
				t.Error("the error holds the password")
			}
		})
	}
}

func TestClusterIDIsNoOption(t *testing.T) {
	for first := range 256 {
		id := clusterID([16]byte{byte(first), 0xfb, 0xef})
		if c := id[0]; c < 'A' || c > 'z' || c == '_' {
			t.Errorf("first byte %d: %q", first, id)
		}
	}
}
