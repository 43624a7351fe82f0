package trigger

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTableIsSound holds what Parse relies on.
func TestTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Parameters() {
		if seen[p.Name] {
			t.Errorf("%s stands in the table twice", p.Name)
		}
		seen[p.Name] = true
		if p.Description == "" || p.Origin == "" {
			t.Errorf("%s lacks a description or an origin", p.Name)
		}
		if (p.Instead != "") != (p.Use >= Credential) {
			t.Errorf("%s: Instead is for what is refused, and only for that", p.Name)
		}
		if (p.Type == TypeEnum) != (len(p.Values) > 0) {
			t.Errorf("%s: Values are for enums, and only for those", p.Name)
		}
		if p.FromEnv && p.Use != Read {
			t.Errorf("%s is not read and yet may come from the environment", p.Name)
		}
		checkDefault(t, p)
	}
}

func checkDefault(t *testing.T, p Parameter) {
	t.Helper()
	if p.Use >= Credential {
		return
	}
	ok := true
	switch p.Type {
	case TypeBool:
		_, err := strconv.ParseBool(p.Default)
		ok = err == nil
	case TypeInt:
		_, ok = parseJSONInt(p.Default)
		ok = ok || p.Default == ""
	case TypeDuration:
		_, err := time.ParseDuration(p.Default)
		ok = err == nil || p.Default == ""
	case TypeNumber:
		_, ok = parseDecimal(p.Default)
		ok = ok || p.Default == ""
	case TypeEnum:
		ok = p.Default == "" || slices.Contains(p.Values, p.Default)
	}
	if !ok {
		t.Errorf("%s: default %q is no %s", p.Name, p.Default, p.Type)
	}
}

func TestDefaultsAreTheConstants(t *testing.T) {
	got, err := Parse(map[string]string{"cluster": "c", "consumerGroup": "g"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Lag.MaxAge != DefaultMaxSnapshotAge || got.Lag.PersistentAfter != DefaultPersistentLagAfter ||
		got.Selection.DiscoveredTopicExpiry != DefaultDiscoveredTopicExpiry {
		t.Errorf("defaults are %v, %v and %v, the constants say %v, %v and %v",
			got.Lag.MaxAge, got.Lag.PersistentAfter, got.Selection.DiscoveredTopicExpiry,
			DefaultMaxSnapshotAge, DefaultPersistentLagAfter, DefaultDiscoveredTopicExpiry)
	}
}

// kedaParameter is what a struct tag of KEDA's typed configuration says of a parameter.
type kedaParameter struct {
	Default       string
	Values        []string
	Env, AuthOnly bool
}

// TestParityWithKEDA reads the struct tags of KEDA's own source, of the version
// that go.mod names, and compares them with the table: every parameter is known,
// with its default, its values and where it may come from.
func TestParityWithKEDA(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/kedacore/keda/v2").Output()
	if err != nil {
		t.Fatalf("find KEDA's source: %v", err)
	}
	dir := strings.TrimSpace(string(out))
	if dir == "" {
		t.Fatal("KEDA's source is not in the module cache; run `go mod download github.com/kedacore/keda/v2`")
	}
	for _, source := range []struct {
		file    string
		origin  Origin
		atLeast int // a floor for what must be found, so that a changed tag syntax cannot make this test blind
	}{
		{"kafka_scaler.go", OriginKafka, 30},
		{"apache_kafka_scaler.go", OriginApacheKafka, 18},
		{"external_scaler.go", OriginExternal, 6},
	} {
		params := kedaParameters(t, filepath.Join(dir, "pkg/scalers", source.file))
		if len(params) < source.atLeast {
			t.Errorf("%s: found %d parameters, expected at least %d", source.file, len(params), source.atLeast)
		}
		for name, theirs := range params {
			compare(t, source.origin, name, theirs)
		}
	}
}

func compare(t *testing.T, origin Origin, name string, theirs kedaParameter) {
	t.Helper()
	i := slices.IndexFunc(Parameters(), func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		t.Errorf("%s: KEDA's %s trigger has it, the table does not", name, origin)
		return
	}
	ours := Parameters()[i]
	if !slices.Contains(strings.Split(string(ours.Origin), ", "), string(origin)) {
		t.Errorf("%s: origin is %q, and KEDA's %s trigger has it", name, ours.Origin, origin)
	}
	if (ours.Use == Credential) != theirs.AuthOnly {
		t.Errorf("%s: refused as a credential: %t, KEDA takes it from a TriggerAuthentication only: %t", name, ours.Use == Credential, theirs.AuthOnly)
	}
	if theirs.AuthOnly {
		return
	}
	if ours.FromEnv != theirs.Env {
		t.Errorf("%s: FromEnv is %t, in KEDA %t", name, ours.FromEnv, theirs.Env)
	}
	// KEDA leaves the default of an optional bool to Go's zero value, and that of kafka's sasl to its code.
	want := theirs.Default
	if want == "" && (ours.Type == TypeBool || name == "sasl") {
		want = map[bool]string{true: "false", false: "none"}[ours.Type == TypeBool]
	}
	if ours.Default != want {
		t.Errorf("%s: default is %q, in KEDA %q", name, ours.Default, want)
	}
	for _, value := range theirs.Values {
		if !slices.Contains(ours.Values, value) {
			t.Errorf("%s: KEDA's %s trigger takes %q", name, origin, value)
		}
	}
}

func kedaParameters(t *testing.T, file string) map[string]kedaParameter {
	t.Helper()
	parsed, err := goparser.ParseFile(token.NewFileSet(), file, nil, goparser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]kedaParameter{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		field, isField := n.(*ast.Field)
		if !isField || field.Tag == nil {
			return true
		}
		raw, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			t.Fatal(err)
		}
		if tag, found := reflect.StructTag(raw).Lookup("keda"); found {
			name, p := parseTag(tag)
			params[name] = p
		}
		return true
	})
	return params
}

func parseTag(tag string) (name string, p kedaParameter) {
	for part := range strings.SplitSeq(tag, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "name":
			name = value
		case "default":
			p.Default = value
		case "enum":
			p.Values = strings.Split(value, ";")
		case "order":
			p.Env = strings.Contains(value, "resolvedEnv")
			p.AuthOnly = value == "authParams"
		}
	}
	return name, p
}

func TestParseTag(t *testing.T) {
	name, got := parseTag("name=sasl,     order=triggerMetadata;authParams, enum=none;gssapi, default=none")
	if diff := cmp.Diff(kedaParameter{Default: "none", Values: []string{"none", "gssapi"}}, got); name != "sasl" || diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
