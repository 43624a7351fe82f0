package config

import (
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const referenceFile = "../../docs/reference-config.yaml"

// The reference file is the documentation of the defaults: this holds it to them.
func TestReferenceFileShowsTheDefaults(t *testing.T) {
	got, err := Load(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	example := DefaultCluster()
	example.Name = "orders"
	example.BootstrapServers = []string{"kafka-0.kafka.svc:9092", "kafka-1.kafka.svc:9092"}
	want.Clusters = []Cluster{example}
	want.InlineBootstrapServers.Allow = []string{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the reference file differs from the defaults (-defaults +file):\n%s", diff)
	}
}

func TestReferenceFileShowsEveryKey(t *testing.T) {
	data, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	for _, missing := range missingKeys("", reflect.TypeFor[Config](), tree) {
		t.Errorf("%s: not in %s", missing, referenceFile)
	}
}

// missingKeys lists the fields below typ that tree does not show.
func missingKeys(path string, typ reflect.Type, tree any) []string {
	if typ == reflect.TypeFor[time.Duration]() {
		return nil
	}
	switch typ.Kind() {
	case reflect.Slice:
		if typ.Elem().Kind() != reflect.Struct {
			return nil
		}
		items, _ := tree.([]any)
		if len(items) == 0 {
			return []string{path + "[0]"}
		}
		return missingKeys(path+"[0]", typ.Elem(), items[0])
	case reflect.Struct:
		var missing []string
		keys, _ := tree.(map[string]any)
		for f := range typ.Fields() {
			sub, ok := keys[f.Tag.Get("json")]
			if !ok || sub == nil {
				missing = append(missing, join(path, f.Tag.Get("json")))
				continue
			}
			missing = append(missing, missingKeys(join(path, f.Tag.Get("json")), f.Type, sub)...)
		}
		return missing
	default:
		return nil
	}
}

func TestMissingKeysFindsThem(t *testing.T) {
	tree := map[string]any{"grpc": map[string]any{"listenAddress": ":6000"}}
	missing := missingKeys("", reflect.TypeFor[Config](), tree)
	for _, want := range []string{"grpc.tls", "clusters", "log"} {
		found := false
		for _, m := range missing {
			found = found || m == want
		}
		if !found {
			t.Errorf("missingKeys does not report %s: %v", want, missing)
		}
	}
}
