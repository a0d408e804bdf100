# Goherd: one command each. `make help` lists them.

CARGO   ?= cargo
GO      ?= go
GCCGO   ?= gccgo
PREFIX  ?= /usr/local
DESTDIR ?=
PORT    ?= 9090
# Which of the two libraries `make run` serves: go or gccgo.
TOOLCHAIN ?= go
# Tests of servers wait more than they compute.
export RUST_TEST_THREADS ?= $(shell echo $$((2 * $$(nproc))))

RELEASE := target/release
comma   := ,
APPS    := target/apps
UWSGI_GO := $(wildcard go/uwsgi/*.go go/uwsgi/*.h go/uwsgi/embed/*.go)
RUST_MISSING := Rust is not on this machine. Install it: https://rustup.rs (curl -sSf https://sh.rustup.rs | sh)

.DEFAULT_GOAL := build
.PHONY: help build gccgo run test check unit gotest model miri fuzz soak install header docs bench clean rust

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

rust:
	@command -v $(CARGO) >/dev/null || { echo "$(RUST_MISSING)" >&2; exit 1; }

build: rust ## the server, target/release/goherd and libgoherd; with gccgo support if gccgo is here
	@scripts/require gcc objcopy
	@scripts/require --ask gccgo go
	$(CARGO) build --release --locked -p goherd -p libgoherd
	@scripts/finish $(RELEASE)

gccgo: ## the same, and gccgo is required; APP=app.go[,more.go] OUT=app: and one executable of the app and its server
	@scripts/require gccgo
	@$(MAKE) --no-print-directory build
	@if [ -n "$(APP)" ]; then $(RELEASE)/goherd build --toolchain gccgo --shape mono \
	    $(if $(OUT),-o $(OUT)) $(subst $(comma), ,$(APP)); fi

$(APPS)/hello-go.so: examples/hello/hello.go examples/hello/go.mod $(UWSGI_GO)
	@mkdir -p $(APPS)
	@echo "building $@ with $$($(GO) env GOVERSION) (the first time takes a minute)"
	cd examples/hello && $(GO) build -buildmode=c-shared -o $(CURDIR)/$@ .

$(APPS)/hello-gccgo.so: examples/hello/hello.go $(RELEASE)/goherd
	@mkdir -p $(APPS)
	$(GCCGO) -fPIC -shared -I $(RELEASE) -o $@ $<

run: rust ## installs what is missing, builds all, serves examples/hello on http://127.0.0.1:9090/ (PORT=, TOOLCHAIN=)
	@scripts/require go gccgo gcc objcopy
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory $(APPS)/hello-go.so $(APPS)/hello-gccgo.so
	@echo
	@echo "    open   http://127.0.0.1:$(PORT)/"
	@echo "    or     curl http://127.0.0.1:$(PORT)/json"
	@echo "    Ctrl-C ends it."
	@echo
	@exec $(RELEASE)/goherd --http-socket 127.0.0.1:$(PORT) --master --processes 2 --goroutines 100 \
	    --go-load $(APPS)/hello-$(TOOLCHAIN).so

test: rust ## everything that CI runs: checks, unit tests, black-box tests with both toolchains
	@scripts/require go gccgo gcc objcopy curl nginx openssl pkg-config redis-server
	@$(MAKE) --no-print-directory build check gotest
	$(CARGO) test --locked --workspace

unit: gotest ## the tests of the Rust crates and of the Go package
	$(CARGO) test --locked --workspace --exclude goherd-tests

gotest:
	cd go/uwsgi && $(GO) test ./...

fuzz: rust ## random input for each parser, FUZZ_SECONDS=60 of it; needs cargo-fuzz and a nightly Rust
	@scripts/fuzz

model: rust ## the cache and its lock, in the orders in which processes can meet (loom; takes a minute)
	RUSTFLAGS="--cfg loom" $(CARGO) test --locked --release --target-dir target/loom -p goherd-shm --lib model

miri: rust ## the shared memory's algorithms under Miri, which sees misuse of memory; needs a nightly Rust with miri
	MIRIFLAGS=-Zmiri-disable-isolation PROPTEST_CASES=4 \
	    $(CARGO) +nightly miri test --locked --target-dir target/miri -p goherd-shm --lib

soak: rust ## reloads, upgrades and recycling without pause under load, SOAK_SECONDS=600 of it; no request may be lost
	@scripts/require go gccgo gcc objcopy
	@$(MAKE) --no-print-directory build
	$(CARGO) run --release --locked -p goherd-tests --bin soak

check: ## formatting and lints, warnings are errors
	@if $(CARGO) fmt --version >/dev/null 2>&1; then \
	    $(CARGO) fmt --all --check && $(CARGO) fmt --manifest-path fuzz/Cargo.toml --check; \
	    else echo "skipped: rustfmt is missing (rustup component add rustfmt)"; fi
	@if $(CARGO) clippy --version >/dev/null 2>&1; then \
	    $(CARGO) clippy --locked --workspace --all-targets -- -D warnings; \
	    else echo "skipped: clippy is missing (rustup component add clippy)"; fi
	@unformatted=$$(find go examples tests bench -name '*.go' -not -path '*/target/*' | xargs gofmt -l); \
	    [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted" >&2; exit 1; }
	cd go/uwsgi && $(GO) vet ./... && CGO_ENABLED=0 $(GO) vet ./...

header: ## writes include/goherd.h anew from crates/bridge
	UPDATE=1 $(CARGO) test --locked -p goherd-bridge --test header

docs: ## writes docs/options.md anew from the option table
	UPDATE=1 $(CARGO) test --locked -p goherd-config

bench: export PATH := $(PATH):/usr/sbin
bench: ## CPU, throughput, latency, memory beside net/http and nginx: docs/benchmarks.md (BENCH_PAIRS=, BENCH_CASES=)
	@scripts/require go gcc objcopy wrk
	@scripts/require gccgo nginx || echo "going on without those"
	@$(MAKE) --no-print-directory build
	$(CARGO) run --release --locked -p goherd-bench

install: ## binary, libraries, Go package, header, gox and systemd units, under PREFIX (default /usr/local)
	@[ -x $(RELEASE)/goherd ] || { echo "build first: make" >&2; exit 1; }
	@scripts/install $(RELEASE) "$(DESTDIR)" "$(PREFIX)"
	@echo "installed; in an app's go.mod: require uwsgi v0.0.0 and replace uwsgi => $(PREFIX)/share/goherd/go/uwsgi"

clean: ## removes target/
	$(CARGO) clean
