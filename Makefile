# `make` alone prints this help.
SHELL := /bin/bash
BUILT := $(abspath $(or $(CARGO_TARGET_DIR),target))
.DEFAULT_GOAL := help
.PHONY: help setup build demo test screenshots faults lint bench audit clean

help: ## Print this help
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: ## Install what the project needs: Debian packages, ONNX Runtime, the default model
	@scripts/setup.sh

build: setup ## Set up, then build the executables that `demo` and `test` share
	cargo build --workspace --all-targets --locked

demo: build ## Serve on 127.0.0.1:8470, send ten files, print what became of them (DEMO_EXIT=1 stops after the table)
	cargo run --quiet --locked --example demo

test: build ## Set up and run every test, on real clamd, real SQLite and real decoders
	cargo test --workspace --locked

screenshots: build ## Take pictures of the console's pages, as the browser tests see them, into docs/screenshots
	LAZARET_SCREENSHOTS=$(abspath docs/screenshots) cargo test --locked --test console -- axe ten_items

faults: setup ## Break everything under 500 uploads, then with holes made on purpose (FAULTS_UPLOADS, FAULTS_SEED)
	cargo build --locked --package lazaret --bin lazaret --features sabotage
	install -D $(BUILT)/debug/lazaret $(BUILT)/sabotage/lazaret
	cargo build --workspace --locked
	FAULTS_UPLOADS=$${FAULTS_UPLOADS:-500} FAULTS_SABOTAGED=$(BUILT)/sabotage/lazaret \
		cargo test --locked --test faults -- --nocapture --test-threads=1

lint: ## Formatting and clippy, warnings are errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

bench: ## Measure speed and memory beside peers, optimised; prints ratios (some minutes)
	@scripts/setup.sh --bench
	cargo build --release --workspace --locked
	cargo bench --locked --bench lazaret

audit: ## Check licences, sources and bans of all dependencies (installs cargo-deny once)
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check bans licenses sources

clean: ## Remove what was built; what setup installed stays
	cargo clean
