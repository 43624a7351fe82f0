// Package schema checks the manifests under deploy/ as the API server would that
// they are applied to: built-in types with Kubernetes' own decoding, defaulting and
// validation, KEDA's types with the CRDs that KEDA's release ships. It is a module
// of its own, so that none of this weighs on the scaler.
package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"sigs.k8s.io/yaml"
)

const repository = "../.."

func TestManifests(t *testing.T) {
	files, err := filepath.Glob(repository + "/deploy/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests found: %v", err)
	}
	crds := kedaCRDs(t)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, doc := range documents(data) {
			t.Run(fmt.Sprintf("%s/%d", filepath.Base(file), i+1), func(t *testing.T) {
				if err := check(doc, crds); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// The checks must be able to fail: each mistake is one that a real API server refuses.
func TestMistakesAreFound(t *testing.T) {
	crds := kedaCRDs(t)
	for name, tc := range map[string]struct{ file, old, with, want string }{
		"unknown field":      {"scaler.yaml", "imagePullPolicy:", "imagePulPolicy:", `unknown field "spec.template.spec.containers[0].imagePulPolicy"`},
		"wrong type":         {"scaler.yaml", "replicas: 1", "replicas: one", "json"},
		"bad enum":           {"scaler.yaml", "imagePullPolicy: IfNotPresent", "imagePullPolicy: Sometimes", "Unsupported value"},
		"selector mismatch":  {"scaler.yaml", "matchLabels:\n      app.kubernetes.io/name: kafka-scaler\n  strategy", "matchLabels:\n      app: other\n  strategy", "selector"},
		"preStop too long":   {"scaler.yaml", "seconds: 5", "seconds: 60", "terminationGracePeriod"},
		"bad port range":     {"scaler.yaml", "endPort: 9098", "endPort: 9000", "endPort"},
		"unknown mount":      {"scaler.yaml", "- name: config\n              mountPath", "- name: confg\n              mountPath", "volumeMounts"},
		"CRD unknown field":  {"scaledobject.yaml", "maxReplicaCount:", "maxReplicas:", "maxReplicas"},
		"CRD number in map":  {"scaledobject.yaml", `lagThreshold: "10"`, "lagThreshold: 10", "lagThreshold"},
		"CRD required field": {"scaledobject.yaml", "- type: external", "- name: external", "type"},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(repository, "deploy", tc.file))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(data, []byte(tc.old)) {
				t.Fatalf("%s holds no %q to replace", tc.file, tc.old)
			}
			var errs []error
			for _, doc := range documents(bytes.Replace(data, []byte(tc.old), []byte(tc.with), 1)) {
				errs = append(errs, check(doc, crds))
			}
			if err := errors.Join(errs...); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

// check returns what an API server with KEDA's CRDs would refuse the document for.
func check(doc []byte, crds map[schema.GroupVersionKind]*apiextensions.CustomResourceValidation) error {
	raw, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		return err
	}
	var object unstructured.Unstructured
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}
	if crd, ok := crds[object.GroupVersionKind()]; ok {
		return checkCustom(object, crd)
	}
	return checkBuiltIn(raw)
}

// checkBuiltIn takes the way of kubectl apply --validate=strict followed by the API server's own validation.
func checkBuiltIn(raw []byte) error {
	strict := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	object, _, err := strict.UniversalDecoder(core.SchemeGroupVersion, apps.SchemeGroupVersion, networking.SchemeGroupVersion).Decode(raw, nil, nil)
	if err != nil {
		return err
	}
	return validate(object).ToAggregate()
}

func validate(object runtime.Object) field.ErrorList {
	switch o := object.(type) {
	case *core.Namespace:
		return corevalidation.ValidateNamespace(o)
	case *core.ServiceAccount:
		return corevalidation.ValidateServiceAccount(o)
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o)
	case *core.Service:
		// The API server fills these in before it validates.
		o.Spec.ClusterIPs = []string{o.Spec.ClusterIP}
		o.Spec.IPFamilies = []core.IPFamily{core.IPv4Protocol}
		policy := core.IPFamilyPolicySingleStack
		o.Spec.IPFamilyPolicy = &policy
		return corevalidation.ValidateServiceCreate(o)
	case *apps.Deployment:
		return appsvalidation.ValidateDeployment(o, corevalidation.PodValidationOptions{})
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(o, networkingvalidation.NetworkPolicyValidationOptions{})
	default:
		return field.ErrorList{field.InternalError(nil, fmt.Errorf("no validation known for %T", object))}
	}
}

// checkCustom applies a CRD's schema, its rules, and the refusal of fields that the schema does not know.
func checkCustom(object unstructured.Unstructured, crd *apiextensions.CustomResourceValidation) error {
	structural, err := structuralschema.NewStructural(crd.OpenAPIV3Schema)
	if err != nil {
		return err
	}
	validator, _, err := validation.NewSchemaValidator(crd.OpenAPIV3Schema)
	if err != nil {
		return err
	}
	problems := validation.ValidateCustomResource(nil, object.Object, validator)
	rules, _ := cel.NewValidator(structural, true, celconfig.PerCallLimit).
		Validate(context.Background(), nil, structural, object.Object, nil, celconfig.RuntimeCELCostBudget)
	problems = append(problems, rules...)
	unknown := pruning.PruneWithOptions(object.DeepCopy().Object, structural, true,
		structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		problems = append(problems, field.Forbidden(field.NewPath(path), "unknown field"))
	}
	return problems.ToAggregate()
}

// kedaCRDs reads the CRDs out of the release of KEDA that the scaler is built with.
func kedaCRDs(t *testing.T) map[schema.GroupVersionKind]*apiextensions.CustomResourceValidation {
	t.Helper()
	download := exec.Command("go", "mod", "download", "-json", "github.com/kedacore/keda/v2")
	download.Dir = repository
	out, err := download.Output()
	if err != nil {
		t.Fatalf("go mod download: %v\n%s", err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(module.Dir, "config/crd/bases/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRDs in %s: %v", module.Dir, err)
	}
	crds := map[schema.GroupVersionKind]*apiextensions.CustomResourceValidation{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v1 apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(data, &v1); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, version := range v1.Spec.Versions {
			var internal apiextensions.CustomResourceValidation
			if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(version.Schema, &internal, nil); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			crds[schema.GroupVersionKind{Group: v1.Spec.Group, Version: version.Name, Kind: v1.Spec.Names.Kind}] = &internal
		}
	}
	return crds
}

// documents cuts a YAML stream and drops what holds comments only.
func documents(data []byte) [][]byte {
	var found [][]byte
	for doc := range bytes.SplitSeq(append([]byte("\n"), data...), []byte("\n---\n")) {
		var content map[string]any
		if err := yaml.Unmarshal(doc, &content); err != nil || len(content) > 0 {
			found = append(found, doc)
		}
	}
	return found
}
