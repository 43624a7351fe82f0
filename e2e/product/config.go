package product

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Config returns the configuration in the ConfigMap of a manifest such as
// deploy/scaler.yaml, with the cluster "main" at the brokers' addresses, and
// every address of this machine allowed in triggers.
func Config(manifest string, bootstrap []string) ([]byte, error) {
	content, err := os.ReadFile(manifest)
	if err != nil {
		return nil, err
	}
	shipped, err := configOf(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifest, err)
	}
	var config map[string]any
	if err := yaml.Unmarshal([]byte(shipped), &config); err != nil {
		return nil, fmt.Errorf("%s: config.yaml: %w", manifest, err)
	}
	clusters, ok := config["clusters"].([]any)
	if !ok || len(clusters) != 1 {
		return nil, fmt.Errorf("%s: config.yaml: want one cluster, got %v", manifest, config["clusters"])
	}
	clusters[0].(map[string]any)["bootstrapServers"] = bootstrap
	config["inlineBootstrapServers"] = map[string]any{"allow": []string{"127.0.0.1:*"}}
	return yaml.Marshal(config)
}

func configOf(manifest []byte) (string, error) {
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		var object struct {
			Kind string            `json:"kind"`
			Data map[string]string `json:"data"`
		}
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return "", errors.New("no ConfigMap with config.yaml")
		}
		if err == nil && object.Kind == "ConfigMap" && object.Data["config.yaml"] != "" {
			return object.Data["config.yaml"], nil
		}
	}
}
