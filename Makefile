# Everything runs from a fresh clone with Go alone; `make test` also wants a C
# compiler (race detector) and Java (real Kafka) and installs them where it may.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

GO ?= go
BIN := $(CURDIR)/bin
TOOLS := $(BIN)/tools
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
IMAGE ?= ghcr.io/kafka-scaler/kafka-scaler
# What builds images: docker, podman or buildah.
DOCKER ?= docker
# Architecture of `make image`.
ARCH ?= $(shell $(GO) env GOARCH)
# Modules with code of ours; those under tools/ only pin versions of tools.
MODULES := . test/schema e2e bench

BUILD_FLAGS := -trimpath -ldflags '-s -w -X main.linkedVersion=$(VERSION)'
GOTESTSUM := $(TOOLS)/gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg --hide-summary=skipped

##@ Build

.PHONY: help
help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build bin/kafka-scaler: static, reproducible
	CGO_ENABLED=0 $(GO) build $(BUILD_FLAGS) -o $(BIN)/kafka-scaler ./cmd/scaler

.PHONY: image
image: ## Build a container image (ARCH=amd64|arm64 DOCKER=docker|podman|buildah)
	CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) $(GO) build $(BUILD_FLAGS) -o $(BIN)/linux-$(ARCH)/kafka-scaler ./cmd/scaler
	$(DOCKER) build --platform linux/$(ARCH) --build-arg TARGETARCH=$(ARCH) --label org.opencontainers.image.version=$(VERSION) -t $(IMAGE):$(VERSION) .

.PHONY: generate
generate: $(TOOLS)/buf ## Generate code and reference pages
	$(TOOLS)/buf generate
	$(GO) generate ./...

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint ## Format Go and proto files
	$(TOOLS)/golangci-lint fmt
	$(MAKE) --no-print-directory fmt-proto

.PHONY: fmt-proto
fmt-proto: $(TOOLS)/buf
	$(TOOLS)/buf format -w

.PHONY: demo
demo: build ## Watch a consumer group being scaled, with nothing to install (ARGS=...)
	@$(GO) build -o $(BIN)/demo ./cmd/demo
	@$(BIN)/demo --scaler bin/kafka-scaler $(ARGS)

.PHONY: backtest
backtest: ## Compare scaling policies over published traces, into docs/latency.md (TRACES=directory ARGS=...)
	@$(GO) build -o $(BIN)/backtest ./cmd/backtest
	@$(BIN)/backtest -traces $(or $(TRACES),../shared/traces) -page docs/latency.md $(ARGS)

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf $(BIN)

##@ Check

.PHONY: test
test: ## Everything: set-up, lint, unit, schemas, real Kafka
	$(MAKE) --no-print-directory setup
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory test-unit
	$(MAKE) --no-print-directory test-schema
	$(MAKE) --no-print-directory test-acceptance

.PHONY: setup
setup: ## Install what the tests need and the machine lacks
	@hack/ensure.sh gcc gcc libc6-dev
	@hack/ensure.sh git git
	@for m in $(MODULES) tools/*; do $(GO) -C $$m mod download; done # unlike go build, in silence
	@if [[ -x hack/setup-test.sh ]]; then hack/setup-test.sh; fi

.PHONY: test-unit
test-unit: $(TOOLS)/gotestsum ## Fast tests: race detector, text-file cases, fuzz seeds
	@mkdir -p $(BIN)/test
	@$(GOTESTSUM) --jsonfile $(BIN)/test/unit.json -- -race -timeout 10m $(if $(RUN),-run '$(RUN)') ./...
	@hack/require-tests.sh unit $(BIN)/test/unit.json

.PHONY: test-schema
test-schema: $(TOOLS)/gotestsum ## Manifests against the schemas of Kubernetes and KEDA
	@mkdir -p $(BIN)/test
	@# -count 1: go's test cache does not see files outside the module, and deploy/ is outside.
	@cd test/schema && $(GOTESTSUM) --jsonfile $(BIN)/test/schema.json -- -count 1 -timeout 10m ./...
	@hack/require-tests.sh schema $(BIN)/test/schema.json

.PHONY: test-acceptance
test-acceptance: $(TOOLS)/gotestsum ## The suite on real Apache Kafka processes, and a minute of attacks
	@mkdir -p $(BIN)/test
	@$(GOTESTSUM) --jsonfile $(BIN)/test/acceptance.json -- -tags realkafka -count 1 -p 1 -timeout 30m $(if $(RUN),-run '$(RUN)') ./test/acceptance/... ./internal/kafkabroker/... ./test/hostile/...
	@hack/require-tests.sh --no-skips real-Kafka $(BIN)/test/acceptance.json

.PHONY: wake-transitions
wake-transitions: ## No wake-up is lost on real Kafka, through N (default 10000) of them
	$(GO) test -tags realkafka -count 1 -v -timeout 60m -run '^TestNoWakeUpIsLost$$' ./test/acceptance -wake-transitions $(or $(N),10000)

.PHONY: hostile
hostile: ## Attack the scaler at 256 MiB for DURATION (default 1h), with real Kafka (SEED=n ARGS=...)
	$(GO) test -tags realkafka -count 1 -v -timeout 24h -run '^TestHostile$$' ./test/hostile -real -timed -duration $(or $(DURATION),1h) -calm 20m -idle 5m -seed $(or $(SEED),1) -out $(BIN)/hostile $(ARGS)

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (default 30s) each
	@hack/fuzz.sh $(or $(FUZZTIME),30s)

.PHONY: bench
bench: ## Load the whole process beside KEDA's own scalers, into bench/out (BENCH=flags, see bench/README.md)
	@cd bench && $(GO) build -o $(BIN)/bench . && $(BIN)/bench $(BENCH)

.PHONY: bench-docs
bench-docs: ## Put what make bench has measured into docs/performance.md
	@cd bench && $(GO) build -o $(BIN)/bench . && $(BIN)/bench -render -docs ../docs >/dev/null

.PHONY: bench-go
bench-go: ## Benchmarks of packages, each with its rival in the same run (RUN=regexp PKG=packages)
	$(GO) test -run '^$$' -bench '$(or $(RUN),.)' -benchmem -timeout 60m $(or $(PKG),./...)

.PHONY: bench-wake
bench-wake: ## From a record to true on KEDA's stream, on three real brokers, beside polling
	$(GO) test -tags realkafka -run '^$$' -bench WakeFromIdle -benchtime 1x -timeout 30m ./test/wake

.PHONY: e2e
e2e: $(TOOLS)/gotestsum ## The scaler under a real Kubernetes control plane and a real KEDA
	@mkdir -p $(BIN)/test
	@if [[ -x hack/setup-test.sh ]]; then hack/setup-test.sh; fi
	@rm -rf e2e/out
	@cd e2e && $(GO) run ./cmd/binaries
	@cd e2e && $(GOTESTSUM) --jsonfile $(BIN)/test/e2e.json -- -count 1 -p 1 -timeout 40m $(if $(RUN),-run '$(RUN)') ./...
	@hack/require-tests.sh --no-skips e2e $(BIN)/test/e2e.json

.PHONY: e2e-pictures
e2e-pictures: ## Publish the pictures of the last `make e2e` in docs/e2e
	@cd e2e && $(GO) run ./cmd/publish -commit "$$(git describe --always --dirty)"

##@ Lint

.PHONY: lint
lint: lint-go lint-proto lint-modules lint-files ## All linters

.PHONY: lint-go
lint-go: $(TOOLS)/golangci-lint ## Go code, formatting and the import rules of docs/architecture.md
	@status=0; for m in $(MODULES); do \
		echo "golangci-lint $$m"; \
		(cd $$m && $(TOOLS)/golangci-lint run ./...) || status=1; \
	done; exit $$status

.PHONY: lint-fix
lint-fix: $(TOOLS)/golangci-lint ## Mend what the linters can mend by themselves
	@for m in $(MODULES); do (cd $$m && $(TOOLS)/golangci-lint run --fix ./...) || true; done

.PHONY: lint-proto
lint-proto: $(TOOLS)/buf ## The API: style, compatibility, generated code up to date
	$(TOOLS)/buf lint
	$(TOOLS)/buf format --diff --exit-code
	$(TOOLS)/buf breaking --against proto/baseline.txtpb
	@hack/check-generated.sh $(TOOLS)/buf

.PHONY: lint-modules
lint-modules: ## go.mod and go.sum are tidy
	@for m in $(MODULES); do \
		diff=$$($(GO) -C $$m mod tidy -diff 2>&1) || { tail -n 20 <<<"$$diff" >&2; echo "$$m/go.mod: run 'go mod tidy' there" >&2; exit 1; }; \
	done

.PHONY: lint-files
lint-files: ## Scripts parse; no machine's paths in the repository
	@hack/check-files.sh

# Each tool has a go.mod of its own, so that no tool moves a version of the product or of another tool.
$(TOOLS)/golangci-lint: tools/golangci/go.mod tools/golangci/go.sum
$(TOOLS)/gotestsum: tools/gotestsum/go.mod tools/gotestsum/go.sum
$(TOOLS)/buf: tools/buf/go.mod tools/buf/go.sum
$(TOOLS)/%:
	@mkdir -p $(TOOLS)
	$(GO) -C $(<D) build -trimpath -buildvcs=false -ldflags '-s -w' -o $(TOOLS)/ tool
	@touch $@
