package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// decoder fills a Config from a YAML tree and collects every problem with its
// path. The JSON decoder under sigs.k8s.io/yaml stops at the first unknown key,
// does not say where it is, and takes keys in any letter case.
type decoder struct {
	problems Problems
}

// decode reads one YAML document into c, which holds the defaults.
func decode(data []byte, c *Config) Problems {
	if n := documents(data); n > 1 {
		return Problems{fmt.Sprintf("needs one YAML document (got %d, separated by ---)", n)}
	}
	raw, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return Problems{plainYAMLError(err)}
	}
	numbers := json.NewDecoder(bytes.NewReader(raw))
	numbers.UseNumber()
	var tree any
	if err := numbers.Decode(&tree); err != nil {
		return Problems{err.Error()}
	}
	var d decoder
	d.value("", tree, reflect.ValueOf(c).Elem())
	return d.problems
}

// value sets v from node. A node without content keeps what v holds: the default.
func (d *decoder) value(path string, node any, v reflect.Value) {
	if node == nil {
		return
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d.duration(path, node, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(path, node, v)
	case reflect.Slice:
		d.list(path, node, v)
	case reflect.String:
		s, ok := node.(string)
		d.check(ok, path, "needs a text; put it in quotes if it looks like a number or a yes", node)
		v.SetString(s)
	case reflect.Bool:
		b, ok := node.(bool)
		d.check(ok, path, "needs true or false", node)
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(fmt.Sprint(node))
		_, number := node.(json.Number)
		d.check(number && err == nil, path, "needs a whole number", node)
		v.SetInt(int64(n))
	default:
		panic(fmt.Sprintf("config: %s: the decoder knows no %s", path, v.Kind()))
	}
}

func (d *decoder) duration(path string, node any, v reflect.Value) {
	s, ok := node.(string)
	parsed, err := time.ParseDuration(s)
	d.check(ok && err == nil, path, "needs a duration with its unit, such as 500ms, 3s or 5m", node)
	v.SetInt(int64(parsed))
}

func (d *decoder) list(path string, node any, v reflect.Value) {
	items, ok := node.([]any)
	d.check(ok, path, "needs a list", node)
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if c, ok := reflect.TypeAssert[*Cluster](v.Index(i).Addr()); ok {
			*c = DefaultCluster()
		}
		d.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

func (d *decoder) mapping(path string, node any, v reflect.Value) {
	keys, ok := node.(map[string]any)
	d.check(ok, path, "needs keys and values", node)
	fields := map[string]reflect.Value{}
	for field, value := range v.Fields() {
		fields[field.Tag.Get("json")] = value
	}
	for _, key := range sortedKeys(keys) {
		if field, known := fields[key]; known {
			d.value(join(path, key), keys[key], field)
			continue
		}
		d.problems.add(join(path, key), unknownKey(key, sortedKeys(fields)))
	}
}

// check adds a problem unless ok. The node is shown only where it is a scalar.
func (d *decoder) check(ok bool, path, need string, node any) {
	if ok {
		return
	}
	got := "a list"
	switch n := node.(type) {
	case map[string]any:
		got = "keys and values"
	case string:
		got = strconv.Quote(n)
	case bool, json.Number:
		got = fmt.Sprint(n)
	}
	if path == "" {
		path = "the file"
	}
	d.problems.add(path, fmt.Sprintf("%s (got %s)", need, got))
}

// unknownKey never shows the value: it may be the password that a user misplaced.
func unknownKey(key string, known []string) string {
	if strings.EqualFold(key, "password") {
		return "a password does not belong in this file; name a file in passwordFile or an environment variable in passwordEnv"
	}
	if near := nearest(key, known); near != "" {
		return fmt.Sprintf("unknown key; did you mean %q?", near)
	}
	return "unknown key; known here: " + strings.Join(known, ", ")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// documents counts the YAML documents that have content. The YAML library reads
// the first and forgets the rest without a word.
func documents(data []byte) int {
	n, content := 0, false
	for line := range strings.Lines(string(data)) {
		switch {
		case strings.HasPrefix(line, "---"):
			content = false
		case content || strings.TrimSpace(line) == "" || strings.HasPrefix(strings.TrimSpace(line), "#"):
		default:
			content = true
			n++
		}
	}
	return n
}

// plainYAMLError keeps the library's message, which names the line, and drops its wrapping.
func plainYAMLError(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	text = strings.TrimPrefix(text, "error converting YAML to JSON: ")
	return strings.TrimPrefix(text, "yaml: ")
}
