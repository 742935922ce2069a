# Few targets, each does what its name says. `make test` is what .ci/run runs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GO_BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false
LINT_VERSION := v2.15.0
LINT := bin/tools/golangci-lint-$(LINT_VERSION)

.PHONY: build helpers build-cross test unit lint fmt e2e e2e-full demo fuzz bench docs clean

build: helpers ## bin/rp, with a helper for every architecture in it
	$(GO_BUILD) -ldflags '$(LDFLAGS)' -o bin/rp ./cmd/rp

helpers: ## what rp sends to hosts; made anew only when its sources or the Go version changed
	.ci/helpers

build-cross: helpers ## rp for every system it runs on
	for os in linux darwin; do for arch in amd64 arm64; do \
	  GOOS=$$os GOARCH=$$arch $(GO_BUILD) -ldflags '$(LDFLAGS)' -o bin/rp-$$os-$$arch ./cmd/rp; done; done

test: lint unit build-cross e2e ## everything that CI runs

unit: ## the tests that need no lab
	CGO_ENABLED=1 go test -race ./...

lint: $(LINT) ## linters, the rules of who imports whom, and gofumpt
	$(LINT) run ./...

fmt: $(LINT) ## gofumpt on everything
	$(LINT) fmt ./...

$(LINT):
	mkdir -p bin/tools
	GOBIN=$(CURDIR)/bin/tools GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv bin/tools/golangci-lint $@

# needs-root NAME,WHY: ends make with one line
UID := $(shell id -u)
needs-root = $(if $(filter-out 0,$(UID)),$(error $(1) needs root: $(2)))

# in `make test` it is left out, with that line; asked for by itself it fails
e2e: ## the scripts of e2e/testdata/script against lab hosts
	@$(if $(filter test,$(MAKECMDGOALS)),,$(call needs-root,e2e,it boots lab hosts))
	@if [ $(UID) = 0 ]; then $(MAKE) --no-print-directory e2e-root; else echo 'e2e needs root: it boots lab hosts; left out'; fi

e2e-full: ## e2e, and what takes longer (other Debian releases); writes docs/e2e-full.md
	@$(call needs-root,e2e-full,it boots lab hosts)
	@.ci/e2e-full

.PHONY: e2e-root
e2e-root: # the tests build rp themselves
	go test -tags e2e -count=1 -timeout 90m -parallel 3 $(if $(RUN),-run '$(RUN)') ./e2e

demo: ## rootless Docker on two lab hosts, twice
	@$(call needs-root,demo,it boots two lab hosts)
	@$(MAKE) --no-print-directory build
	@e2e/demo.sh

fuzz: ## every fuzz target, FUZZTIME each
	.ci/fuzz $(or $(FUZZTIME),60s)

bench: ## the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

docs: ## the pages of docs/ that are made from the source, and golden files of the command line
	go test ./cmd/rp -run Page -update

clean: ## what make made; the lab goes with `e2e/lab/lab.sh purge`
	rm -rf bin engine/remote/images/data/rp-helper-* engine/remote/images/data/.stamp-*
