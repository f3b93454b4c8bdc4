# Everything needs Go and a Debian-like machine; setup installs the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

export GOTOOLCHAIN := local
export GOFLAGS := -mod=readonly
export CGO_ENABLED ?= 1

TOOLS      ?= $(HOME)/.cache/scaleio-framework/tools
GOFUMPT    := $(TOOLS)/gofumpt-v0.12.0
STATICCHECK := $(TOOLS)/staticcheck-v0.8.2
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS    := -s -w -X scaleio-framework/internal/version.version=$(VERSION)
PROGRAMS   := scaleio-scheduler scaleio-nodeagent scaleioctl sandbox
FUZZTIME   ?= 20s
PACKAGES   ?= ./...
DRILLS     ?= all
ROUNDS     ?= 1
SEEDS      ?= 2000
FIRST      ?= 1
HOST_TESTS := ./nodeagent/hosttest ./test/hosts

.PHONY: setup build demo test takeover sim drills mutants test-hosts lint bench fuzz fmt clean help

help: ## Show the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

setup: ## Install what Debian packages give: ZooKeeper (with Java), rpm, Python and the disk tools.
	@deploy/dev/setup

build: setup ## Build the four programs into build/bin.
	@mkdir -p build/bin
	@# The node agent runs on hosts of every age: no C library.
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o build/bin/ ./cmd/...

demo: build ## Bootstrap three simulated hosts, kill the leader on the way, let a fourth host join, let the pool grow.
	build/bin/sandbox run --scenario demo --report build/demo-report.json

test: setup ## Run all tests with the race detector.
	go test -race -timeout 8m $(PACKAGES)

takeover: setup ## Kill, pause and cut off the leader at every position of an installation.
	go test -timeout 8m ./scheduler/bootstrap ./storagegrowth
	go test -timeout 8m ./test/sim -args -sim.every=1

sim: setup ## Play SEEDS simulated histories of the whole control plane, from FIRST on.
	go test -timeout 8h ./test/sim -run 'TestSeeds$$' -v -args -sim.seeds=$(SEEDS) -sim.first=$(FIRST)

test-hosts: ## Run the tests on real hosts: machines with systemd, and dpkg and apt or rpm and dnf. As root; RUN=TestBootstrap/deb is the short form.
	@[ "$$(id -u)" -eq 0 ] || { echo "make test-hosts: needs root: its hosts are machines of systemd-nspawn" >&2; exit 1; }
	@deploy/dev/setup hosts
	go test -count 1 -tags hosts -timeout 60m -p 1 -run '$(RUN)' $(HOST_TESTS)

drills: setup ## Play every drill on real processes, ROUNDS times, and show what was measured.
	go test -count $(ROUNDS) -timeout 8h ./test/drills -v -args -drills.set=$(DRILLS)

mutants: setup ## Break the rules of safety one after the other; the simulations must notice each.
	go run ./test/mutation

lint: setup $(GOFUMPT) $(STATICCHECK) ## Check formatting, go vet and staticcheck.
	@unformatted=$$($(GOFUMPT) -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	go vet -tags hosts ./...
	$(STATICCHECK) -tags hosts ./...

bench: build ## Measure bootstrap, take-over and commit times.
	go test -run '^$$' -bench . -benchtime 3x -timeout 20m $(PACKAGES) | grep -E '^(Benchmark|pkg:|FAIL|ok|panic)' | grep -v '^ok.*no test'

fuzz: setup ## Run every fuzz target for FUZZTIME.
	@deploy/dev/fuzz $(FUZZTIME)

fmt: $(GOFUMPT) ## Format all Go files.
	$(GOFUMPT) -w $$(git ls-files --cached --others --exclude-standard '*.go')

clean: ## Remove what was built.
	rm -rf build

$(GOFUMPT):
	@mkdir -p $(TOOLS)/tmp-gofumpt
	GOFLAGS= GOBIN=$(TOOLS)/tmp-gofumpt go install mvdan.cc/gofumpt@v0.12.0
	@mv $(TOOLS)/tmp-gofumpt/gofumpt $@

$(STATICCHECK):
	@mkdir -p $(TOOLS)/tmp-staticcheck
	GOFLAGS= GOBIN=$(TOOLS)/tmp-staticcheck go install honnef.co/go/tools/cmd/staticcheck@v0.8.2
	@mv $(TOOLS)/tmp-staticcheck/staticcheck $@
