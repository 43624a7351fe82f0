// Package deploy_test checks what no schema can: that the manifests fit this
// binary, this configuration and each other. test/schema checks the schemas.
package deploy_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kafka-scaler/kafka-scaler/internal/manifest"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestConfigMapIsAValidConfiguration(t *testing.T) {
	if _, err := config.Parse([]byte(configuration(t))); err != nil {
		t.Errorf("the configuration in deploy/scaler.yaml: %v", err)
	}
}

// Settings that are commented out start with # and no space; what they show has to work too.
func TestConfigMapWithItsCommentedSettings(t *testing.T) {
	text := configuration(t)
	all := regexp.MustCompile(`(?m)^( *)#(\S| {2,}\S)`).ReplaceAllString(text, "$1$2")
	if all == text {
		t.Fatal("no commented setting found")
	}
	c, err := config.Parse([]byte(all))
	if err != nil {
		t.Fatalf("the configuration in deploy/scaler.yaml with its comments removed: %v", err)
	}
	mounted := mounts(t)
	files := 0
	for _, cl := range c.Clusters {
		for _, file := range []string{cl.TLS.CAFile, cl.SASL.PasswordFile} {
			if file == "" {
				continue
			}
			files++
			if !slices.ContainsFunc(mounted, func(dir string) bool { return strings.HasPrefix(file, dir+"/") }) {
				t.Errorf("the configuration names %s, and the pod mounts only %s", file, mounted)
			}
		}
	}
	if files == 0 {
		t.Error("the commented settings name no file: this test checks nothing")
	}
}

func TestPortsAreTheDefaults(t *testing.T) {
	d := config.Default()
	want := map[string]int{"grpc": port(t, d.GRPC.ListenAddress), "http": port(t, d.HTTP.ListenAddress)}
	container := map[string]int{}
	for _, p := range podOf(t).Containers[0].Ports {
		container[p.Name] = p.ContainerPort
	}
	service := map[string]int{}
	for _, p := range read[serviceObject](t, "Service").Spec.Ports {
		service[p.Name] = p.Port
	}
	for name, port := range want {
		if container[name] != port || service[name] != port {
			t.Errorf("port %s: the binary listens on %d, the container says %d, the Service %d", name, port, container[name], service[name])
		}
	}
}

func TestConfigPathIsMounted(t *testing.T) {
	args := podOf(t).Containers[0].Args
	want := "--config=/etc/kafka-scaler/config.yaml"
	if !slices.Contains(args, want) || !slices.Contains(mounts(t), "/etc/kafka-scaler") {
		t.Errorf("args %q with mounts %q: want %s", args, mounts(t), want)
	}
}

func TestScaledObjectsFitTheScaler(t *testing.T) {
	for _, file := range []string{"scaledobject.yaml", "latency.yaml"} {
		t.Run(file, func(t *testing.T) { fits(t, file) })
	}
}

func fits(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found, err := manifest.Read(bytes.NewReader(data), file, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse([]byte(configuration(t)))
	if err != nil {
		t.Fatal(err)
	}
	s := read[serviceObject](t, "Service")
	address := fmt.Sprintf("%s.%s:%d", s.Metadata.Name, s.Metadata.Namespace, port(t, c.GRPC.ListenAddress))
	for _, tr := range found[0].Triggers {
		if got := tr.Metadata["scalerAddress"]; got != address {
			t.Errorf("scalerAddress is %s, the Service is %s", got, address)
		}
		parsed, err := trigger.Parse(tr.Metadata)
		if err != nil {
			t.Fatal(err)
		}
		known := func(cl config.Cluster) bool {
			return slices.Equal(cl.BootstrapServers, parsed.Connection.BootstrapServers)
		}
		if !slices.ContainsFunc(c.Clusters, known) {
			t.Errorf("the ScaledObject names %s, which is no cluster of the ConfigMap", parsed.Connection.BootstrapServers)
		}
	}
}

// What the API server leaves to chance is equal everywhere: one namespace, one set of labels.
func TestObjectsBelongTogether(t *testing.T) {
	for _, doc := range documents(t) {
		var o object
		if err := yaml.Unmarshal(doc, &o); err != nil {
			t.Fatal(err)
		}
		if o.Kind != "Namespace" && o.Metadata.Namespace != "kafka-scaler" {
			t.Errorf("%s %s is in namespace %q", o.Kind, o.Metadata.Name, o.Metadata.Namespace)
		}
		if o.Metadata.Labels["app.kubernetes.io/name"] != "kafka-scaler" {
			t.Errorf("%s %s lacks the label app.kubernetes.io/name", o.Kind, o.Metadata.Name)
		}
	}
}

type object struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
}

type serviceObject struct {
	object
	Spec struct {
		Ports []struct {
			Name string `json:"name"`
			Port int    `json:"port"`
		} `json:"ports"`
	} `json:"spec"`
}

type pod struct {
	TerminationGracePeriodSeconds int         `json:"terminationGracePeriodSeconds"`
	Containers                    []container `json:"containers"`
}

type container struct {
	Args  []string `json:"args"`
	Ports []struct {
		Name          string `json:"name"`
		ContainerPort int    `json:"containerPort"`
	} `json:"ports"`
	VolumeMounts []struct {
		MountPath string `json:"mountPath"`
	} `json:"volumeMounts"`
	StartupProbe   httpProbe `json:"startupProbe"`
	LivenessProbe  httpProbe `json:"livenessProbe"`
	ReadinessProbe httpProbe `json:"readinessProbe"`
	Lifecycle      struct {
		PreStop struct {
			Sleep struct {
				Seconds int `json:"seconds"`
			} `json:"sleep"`
		} `json:"preStop"`
	} `json:"lifecycle"`
}

type httpProbe struct {
	HTTPGet struct {
		Path string `json:"path"`
		Port string `json:"port"`
	} `json:"httpGet"`
}

// podOf returns the Deployment's pod, which has exactly one container.
func podOf(t *testing.T) pod {
	t.Helper()
	d := read[struct {
		Spec struct {
			Template struct {
				Spec pod `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}](t, "Deployment")
	if len(d.Spec.Template.Spec.Containers) != 1 {
		t.Fatal("the Deployment does not have exactly one container")
	}
	return d.Spec.Template.Spec
}

func mounts(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, m := range podOf(t).Containers[0].VolumeMounts {
		paths = append(paths, m.MountPath)
	}
	return paths
}

func configuration(t *testing.T) string {
	t.Helper()
	text := read[struct {
		Data map[string]string `json:"data"`
	}](t, "ConfigMap").Data["config.yaml"]
	if text == "" {
		t.Fatal("the ConfigMap has no config.yaml")
	}
	return text
}

// read returns the one object of a kind in scaler.yaml.
func read[T any](t *testing.T, kind string) T {
	t.Helper()
	for _, doc := range documents(t) {
		var o object
		if err := yaml.Unmarshal(doc, &o); err != nil {
			t.Fatal(err)
		}
		if o.Kind == kind {
			var v T
			if err := yaml.Unmarshal(doc, &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("scaler.yaml holds no %s", kind)
	panic("unreachable")
}

func documents(t *testing.T) [][]byte {
	t.Helper()
	data, err := os.ReadFile("scaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(data, []byte("\n---\n"))
}

func port(t *testing.T, address string) int {
	t.Helper()
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
