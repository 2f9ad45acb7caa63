# The two commands: `make run` and `make test`. Everything they need is installed by package name.
.PHONY: run build binary test lint bench install-run install-test
.DEFAULT_GOAL := run

BINARY := $(or $(CARGO_TARGET_DIR),target)/release/pitlane
TESTED := $(or $(CARGO_TARGET_DIR),target)/debug/pitlane
PITLANE_DATA ?= ./data
export PITLANE_DATA

## run: install what is missing, build, and start a server with everything embedded (DEMO=1 also pushes the samples)
run: install-run build
	@tools/run $(abspath $(BINARY)) $(if $(DEMO),demo)

## build: build the binary (no LTO, no Node)
build:
	@cargo build --release --locked --package pitlane

## binary: print the path of the built binary
binary:
	@echo $(abspath $(BINARY))

## test: lint, then every test: Rust, three databases, real clients; ends with one summary. The binary is built with the
## checks of the development profile (overflow, assertions), and shares what is compiled with the tests themselves.
test: install-test
	@cargo test --workspace --locked --no-run --quiet
	@tools/test $(abspath $(TESTED))

## lint: format, clippy with the list of forbidden calls, licences and sources of dependencies
lint: install-test
	@tools/lint

## bench: every figure of the README, each beside something real
bench: build
	@tools/bench $(abspath $(BINARY))

install-run:
	@tools/install run

install-test:
	@tools/install test
