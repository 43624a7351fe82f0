package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// ConfigKey is the key of a ConfigMap that holds the scaler's configuration, as deploy/ has it.
const ConfigKey = "config.yaml"

// Configuration returns the scaler's configuration: data itself, or, where data are
// Kubernetes manifests, what the one ConfigMap among them has under [ConfigKey].
// Data that is no YAML is returned as it is, for whoever parses it to say so.
func Configuration(data []byte) ([]byte, error) {
	docs, err := documents(bytes.NewReader(data))
	if err != nil {
		return data, nil // the configuration's own parser tells what is wrong
	}
	manifests := false
	var found, names []string
	for _, raw := range docs {
		var d struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string
			Metadata   struct{ Name string }
			Data       map[string]string
		}
		if unmarshal(raw, &d) != nil || d.APIVersion == "" || d.Kind == "" {
			continue
		}
		manifests = true
		if text, ok := d.Data[ConfigKey]; ok && d.Kind == "ConfigMap" {
			found, names = append(found, text), append(names, d.Metadata.Name)
		}
	}
	switch {
	case !manifests:
		return data, nil
	case len(found) == 0:
		return nil, errors.New("these are Kubernetes manifests, and no ConfigMap among them has the key " + ConfigKey + "; name the file that holds the scaler's configuration")
	case len(found) > 1:
		return nil, fmt.Errorf("several ConfigMaps have the key %s: %s; write the one that is meant into a file of its own", ConfigKey, strings.Join(names, ", "))
	default:
		return []byte(found[0]), nil
	}
}
