# What people and CI run. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Arguments for the server: make run ARGS="--conf tyk_analytics.conf"
ARGS ?=
# Flags for go test: make test TESTFLAGS=-race
TESTFLAGS ?=
# A slow machine under the race detector needs more than Go's ten minutes for one package.
TIMEOUT ?= 30m

PLAYGROUND := web/playground
BUNDLE := $(PLAYGROUND)/dist/index.html
MODULES := $(PLAYGROUND)/node_modules/.package-lock.json
WEB_SOURCES := $(shell find $(PLAYGROUND) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/e2e/*')

# The OpenID provider that the tests of signing in run.
PROVIDER := e2e/openid/node_modules/.package-lock.json

LINT := go tool -modfile=tools/go.mod golangci-lint
# A module of its own, so that its dependencies stay out of the product.
FERRET := store/mongo/ferrettest

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: build ## Build everything and serve on :3000, with the data in ./data (ARGS="...")
	bin/gatehouse $(ARGS)

.PHONY: build
build: web ## Build the program, the playground in it, as bin/gatehouse
	go build -trimpath -buildvcs=false -ldflags "-X 'main.stamp=$$(scripts/version)'" -o bin/gatehouse ./cmd/gatehouse

.PHONY: release
release: web ## Build static programs for all systems into dist/, with checksums and lists of what they are made of
	@scripts/release

.PHONY: web
web: $(BUNDLE) ## Build the playground, when its sources are newer than the bundle

$(MODULES): $(PLAYGROUND)/package.json $(PLAYGROUND)/package-lock.json
	cd $(PLAYGROUND) && npm ci
	@touch $@

$(BUNDLE): $(MODULES) $(WEB_SOURCES)
	cd $(PLAYGROUND) && npm run build
	@touch $@

.PHONY: generate
generate: ## Write the generated code and docs/config.md again
	go tool gqlgen generate
	go run ./internal/config/gendoc

.PHONY: lint
lint: ## Check the format, go vet, golangci-lint, in both modules
	@unformatted=$$(gofmt -l .); \
		test -z "$$unformatted" || { echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	cd $(FERRET) && go vet ./...
	$(LINT) run ./...
	cd $(FERRET) && go tool -modfile=$(CURDIR)/tools/go.mod golangci-lint run ./...

$(PROVIDER): e2e/openid/package.json e2e/openid/package-lock.json
	cd e2e/openid && npm ci
	@touch $@

.PHONY: test
test: web $(PROVIDER) ## Run every test, on private database servers where they are installed (TESTFLAGS="...")
	@scripts/services run scripts/test -timeout $(TIMEOUT) $(TESTFLAGS)

.PHONY: golden
golden: ## Write the golden files of the REST tests and the tables of permissions again; review the difference as text
	go test ./rest -update
	go test ./internal/app -run Permissions -update

.PHONY: fuzz
fuzz: ## Run every fuzz target for a while (FUZZTIME=30s)
	@scripts/fuzz

.PHONY: e2e
e2e: build ## Drive a real server and its playground in headless Chromium
	@scripts/e2e

.PHONY: e2e-gateway
e2e-gateway: build ## Prove Gatehouse against the gateways that GATEHOUSE_E2E_GATEWAY names; what they say goes to docs/e2e-gateway.txt
	@scripts/e2e-gateway docs/e2e-gateway.txt

.PHONY: bench
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: clean
clean: ## Remove what was built; ./data stays
	rm -rf bin dist $(PLAYGROUND)/node_modules
	find $(PLAYGROUND)/dist -mindepth 1 -not -name .keep -delete
