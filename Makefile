# Every verb of the project. `make help` lists them; what each needs beyond Rust and a C compiler it
# installs or names. Build artefacts and tools live in the cache folder, outside the clone.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/libfailover
export CARGO_TARGET_DIR ?= $(CACHE)/target
# What `make install` fills; DESTDIR goes in front of it for packagers.
PREFIX ?= /usr/local
export PREFIX DESTDIR
# One profile and one feature set for everything, so that nothing is compiled twice.
CARGO := cargo
WHOLE := --release --workspace
NO_WARNINGS := -D warnings
# Debian packages: to build and test in C, to look for leaks and system calls, to install from.
FOR_C := build-essential pkg-config
FOR_DEMO := $(FOR_C) libcurl4-openssl-dev
FOR_TEST := $(FOR_DEMO) cmake libcjson-dev strace valgrind

.DEFAULT_GOAL := help
.PHONY: help build demo test soak bench check conformance backends gen header install clean \
	fmt format clippy layering pure docs deny unit unit-soak loom instructions header-check abi abi-soak sanitize examples guides \
	kubernetes demo-go demo-python demo-node go python node go-soak python-soak node-soak parity wheel npm go-module

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | \
		awk -F ':.*## ' '{ printf "  %-14s %s\n", $$1, $$2 }'

build: ## build the engine, the C library and the test servers
	$(CARGO) build $(WHOLE)

demo: ## watch real servers fail, be failed over and come back
	@tools/need.sh $(FOR_DEMO)
	@tools/part.sh examples/c/run.sh demo

demo-go: ## the same in Go
	@tools/part.sh examples/go/run.sh demo

demo-python: ## the same in Python, on an event loop
	@tools/part.sh examples/python/run.sh demo

demo-node: ## the same in Node
	@tools/part.sh examples/node/run.sh demo

test: ## run everything that a change must pass
	@tools/need.sh $(FOR_TEST)
	@tools/steps.sh build -- "fmt unit clippy pure docs deny" "header-check abi sanitize examples guides loom instructions" \
		-- "go node" "python conformance parity wheel npm"

soak: ## run what is too long for every change: changes by the thousand, forks, every demo
	@tools/need.sh $(FOR_TEST)
	@tools/steps.sh build -- unit-soak abi-soak demo -- "go-soak demo-go" "python-soak demo-python" -- node-soak demo-node

bench: ## measure picks and calls, in Rust, through C and in each language beside its floor
	@tools/bench.sh

check: ## what a review begins with: format, lints, layers, header, documentation, dependencies
	@tools/need.sh $(FOR_C)
	@tools/steps.sh "fmt clippy layering pure header-check docs deny"

conformance: ## run the shared scenarios in every language, and print how each area fared
	@tools/need.sh $(FOR_TEST)
	@tools/part.sh tests/conformance/matrix.sh

parity: ## compare what the languages offer
	@tools/part.sh tests/parity/check.py

go: ## test the Go binding: tests, races, examples, guide, module
	@tools/need.sh $(FOR_C)
	@tools/part.sh bindings/go/test.sh

python: ## test the Python binding: types, tests, examples, guide
	@tools/part.sh python/test.sh

node: ## test the Node binding: types, tests, examples, guide
	@tools/part.sh node/test.sh

go-soak: ## run the long tests of Go
	FAILOVER_SOAK=1 tools/part.sh bindings/go/test.sh test

python-soak: ## run the long tests of Python
	FAILOVER_SOAK=1 tools/part.sh python/test.sh

node-soak: ## run the long tests of Node
	FAILOVER_SOAK=1 tools/part.sh node/test.sh

wheel: ## build the Python wheel, install it into an empty environment and run it
	@tools/part.sh python/package.sh

npm: ## pack the Node packages, install them into an empty folder and run them
	@tools/part.sh node/package.sh

go-module: ## pack the Go module with its archive, and build a program outside the tree with it
	@tools/part.sh bindings/go/package.sh

backends: ## build the servers that misbehave on command, and get the real Consul and Kubernetes
	$(CARGO) build --release -p failover-backends
	@tools/backends.sh consul
	@tools/backends-kubernetes.sh

kubernetes: ## test the Kubernetes provider against a real API server
	$(CARGO) test --release -p libfailover --features kubernetes --lib kubernetes
	$(CARGO) test --release -p libfailover --features kubernetes --test kubernetes

gen: ## make docs/reference from the tables in core
	$(CARGO) run --release -q -p libfailover --example generate -- docs/reference

header: ## make include/failover.h from ffi
	@tools/part.sh bindings/c/header.sh

install: ## install header, libraries, pkg-config and CMake files under PREFIX
	@tools/need.sh $(FOR_C)
	@tools/part.sh bindings/c/install.sh "$(PREFIX)"

clean: ## remove the build artefacts (of every clone of this user), but not the tools
	$(CARGO) clean

fmt: ## check the formatting
	$(CARGO) fmt --all --check

format: ## put the formatting right
	$(CARGO) fmt --all

clippy: ## lint with warnings as errors
	$(CARGO) clippy $(WHOLE) --all-targets --exclude failover-node -- $(NO_WARNINGS)
	$(CARGO) clippy --release -p failover-node -- $(NO_WARNINGS)

layering: ## check the order of the layers and that core alone is pure
	$(CARGO) test --release -p libfailover --test layering --test purity --test generated

pure: ## lint the decision engine alone: no runtime, no I/O, no thread
	$(CARGO) clippy --release -p libfailover --no-default-features -- $(NO_WARNINGS)
	$(CARGO) test --release -p libfailover --no-default-features --test pushed

docs: ## build the documentation with warnings as errors
	RUSTDOCFLAGS="$(NO_WARNINGS)" $(CARGO) doc $(WHOLE) --no-deps

deny: ## check licences, bans and sources of the dependencies
	@deny="$$(tools/cargo-tool.sh cargo-deny 0.20.2)" && \
		"$$deny" --locked --workspace check --hide-inclusion-graph licenses bans sources

unit: ## run the Rust tests: unit, property, integration, documentation and examples
	$(CARGO) test $(WHOLE)

loom: ## explore every interleaving of the lock-free parts
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/loom" \
		$(CARGO) test --release -p libfailover --no-default-features --test loom

instructions: ## count the instructions of the hot paths and compare them with the accepted numbers
	@tools/need.sh $(FOR_TEST)
	@tools/part.sh tests/instructions/run.sh

unit-soak: ## run the long Rust tests
	FAILOVER_SOAK=1 $(CARGO) test --release -p libfailover --test concurrency -- --nocapture

header-check: ## check that the header is what ffi says
	@tools/part.sh bindings/c/header.sh --check

abi: ## check symbols, layouts, misuse, leaks, forks and an installed copy, all from C
	@tools/need.sh $(FOR_TEST)
	@tools/part.sh tests/abi/run.sh

sanitize: ## run the C programs and the scenarios under AddressSanitizer and LeakSanitizer
	@tools/need.sh $(FOR_TEST)
	@tools/part.sh tests/abi/sanitize.sh

abi-soak: ## run the long C tests
	@tools/need.sh $(FOR_TEST)
	@tools/part.sh tests/abi/soak.sh

examples: ## run every example in Rust and C and compare what it prints
	@tools/need.sh $(FOR_TEST)
	@tools/examples.sh

guides: ## compile the code blocks of the README and the guides, and run what can end
	@tools/need.sh $(FOR_C)
	@tools/part.sh tests/guides/run.sh
