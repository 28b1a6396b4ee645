# `make` alone prints this help.
SHELL := /bin/bash
BUILT := $(abspath $(or $(CARGO_TARGET_DIR),target))
.DEFAULT_GOAL := help
.PHONY: help setup build demo demo-live test screenshots faults mutants fuzz lint bench audit clean

help: ## Print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: ## Install what the project needs: Debian packages, ONNX Runtime, the default model
	@scripts/setup.sh

build: setup ## Set up, then build the executables that `demo` and `test` share
	cargo build --workspace --all-targets --locked

demo: build ## Serve on 127.0.0.1:8470, send ten files, print what became of them (DEMO_EXIT=1 stops after the table)
	@"$${CARGO_TARGET_DIR:-target}/debug/examples/demo"

demo-live: build ## Serve, send a live stream whose middle seconds are bad, print the decisions as they come
	@"$${CARGO_TARGET_DIR:-target}/debug/examples/demo-live"

# Most tests wait for a server now and then: others run meanwhile.
THREADS := $(or $(RUST_TEST_THREADS),$(shell echo $$(($$(nproc) + 2))))

test: build ## Set up and run every test, on real clamd, real SQLite and real decoders
	RUST_TEST_THREADS=$(THREADS) cargo test --workspace --locked

screenshots: build ## Take pictures of the console's pages, as the browser tests see them, into docs/screenshots
	LAZARET_SCREENSHOTS=$(abspath docs/screenshots) cargo test --workspace --locked --test console -- axe ten_items live_wall policy_is_tried a_film

faults: setup ## Break everything under 500 uploads, then with holes made on purpose (FAULTS_UPLOADS, FAULTS_SEED)
	cargo build --workspace --lib --bins --test faults --locked --features lazaret/sabotage
	install -D $(BUILT)/debug/lazaret $(BUILT)/sabotage/lazaret
	cargo build --workspace --all-targets --locked
	FAULTS_UPLOADS=$${FAULTS_UPLOADS:-500} FAULTS_SABOTAGED=$(BUILT)/sabotage/lazaret \
		cargo test --workspace --locked --test faults -- --nocapture --test-threads=1 --include-ignored

mutants: build ## Send 10,000 files gone wrong through the service, and have other tools look at what it published (MUTANTS, SEED)
	MUTANTS=$${MUTANTS:-10000} SEED=$${SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')} \
		cargo test --workspace --locked --test service mutants -- --nocapture

fuzz: setup ## Feed every parser with hostile bytes for FUZZ_SECONDS each (60), by libFuzzer (installs cargo-fuzz once)
	@command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	scripts/fuzz.sh

lint: ## Formatting and clippy, warnings are errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

bench: ## Measure speed and memory beside peers, optimised; prints ratios (some minutes)
	@scripts/setup.sh --bench
	cargo build --release --workspace --bins --bench lazaret --locked
	cargo bench --workspace --locked --bench lazaret

audit: ## Check licences, sources and bans of all dependencies (installs cargo-deny once)
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check bans licenses sources

clean: ## Remove what was built; what setup installed stays
	cargo clean
