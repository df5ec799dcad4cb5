# The commands of this repository. `make` alone lists them.

.DEFAULT_GOAL := help
# Debian keeps mosquitto where users do not look.
export PATH := $(PATH):/usr/sbin
.PHONY: help demo test lint bench bench-peers judge chaos killpoints sabotage powercut histories troubles codec-peers conformance fuzz mutants tools million reports reassembly peers-faults wear recovery restarts soak FORCE

# What the tests need besides Rust and a C compiler, as command:Debian package.
TOOLS ?= mosquitto:mosquitto mosquitto_pub:mosquitto-clients openssl:openssl python3:python3 strace:strace
# The bench that drives other gateways too (benches/peers/README.md), and the modem simulator of its own.
BENCH ?= $(or $(GSMGATE_SHARED),../shared)/bench
CASES ?= a,b,d,e,f
# What a proof says that it is of.
COMMIT = $$(git describe --always --dirty --abbrev=40 --exclude='*')
# Power cuts of one run.
CUTS ?= 1000
# Other gateways and their best variant; ours runs first, with its defaults.
PEERS ?= smstools
VARIANT ?= tuned-max
BENCH_TARGET ?= $(CURDIR)/target/bench-tools
MODEMSIM ?= $(BENCH_TARGET)/release/modemsim
# What `make chaos` kills, how often, and what else its judge is told.
CHAOS_BIN ?= target/release/gsmgate
KILLS ?= 10000
CHAOS ?=
KILLPOINTS ?=
PEERS_FAULTS ?=
WEAR ?=
# Hours of the soak, and how many times as fast its time runs.
HOURS ?= 24
SPEED ?= 48

help: ## List the commands.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# DEMO_SECONDS reaches the demo as a variable of the environment: it ends by itself, with exit 0 only after a round trip.
demo: ## Build, then a broker, two virtual modems and the gateway: one SMS out and a reply in. DEMO_SECONDS=20 ends it.
	cargo run --profile demo -- demo

test: tools ## Everything CI tests: unit, end-to-end, hardware tests on virtual modems. Installs what is missing.
	cargo test
	tests/sabotage.py --check
	PYTHONDONTWRITEBYTECODE=1 python3 tests/judge/selftest.py
	GSMGATE_BIN=target/debug/gsmgate PYTHONDONTWRITEBYTECODE=1 python3 tests/judge/bad_input.py
	GSMGATE_BIN=target/debug/gsmgate PYTHONDONTWRITEBYTECODE=1 python3 hardware-tests/run.py hardware-tests/rigs/virtual.toml

lint: ## Formatting, clippy and documentation, warnings denied.
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path benches/codec/Cargo.toml --check
	cargo clippy --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

conformance: ## The vectors of other implementations, from $GSMGATE_SHARED/vectors (default ../shared).
	cargo test --test conformance -- --nocapture

# SECONDS_EACH=1800 SEED=1 make fuzz, or TARGETS="deliver udh".
fuzz: ## Fuzz the codec, every target for SECONDS_EACH (10): coverage-guided, on the stable compiler.
	@$(MAKE) --no-print-directory tools TOOLS="c++:g++"
	fuzz/run.sh $(TARGETS)

# ARGS="--file src/tpdu/udh.rs" make mutants
mutants: ## Change the codec a line at a time: a test has to go red for each. Takes about two hours.
	tests/mutants.sh $(ARGS)

bench: ## The codec and store benches of criterion, and the disk they ran on.
	python3 benches/probe.py .
	cargo bench --manifest-path benches/codec/Cargo.toml
	cargo bench

# PEERS_FAULTS="--only kill --kills 100" for one fault, and more of it. Takes eight minutes.
peers-faults: $(MODEMSIM) tools target/release/gsmgate ## Four faults on gsmgate, smstools and gammu-smsd (from Debian; needs root). Writes proof/peers-faults.json.
	BENCH=$(BENCH) MODEMSIM=$(MODEMSIM) GSMGATE_BIN=target/release/gsmgate tests/judge/peers_faults.py $(PEERS_FAULTS)

wear: $(MODEMSIM) tools target/release/gsmgate ## Syncs and octets written of each message, and a disk whose syncs take 5 and 30 ms. Writes proof/wear.json.
	MODEMSIM=$(MODEMSIM) GSMGATE_BIN=target/release/gsmgate tests/judge/wear.py $(WEAR)

# Filled on the disk of target/, where there is room for a GiB. QUEUED=50000 for a smaller one.
million: $(MODEMSIM) tools target/release/gsmgate ## A queue of 1,000,000 beside 1,000: inserts, claims, start, memory. Writes proof/million.json.
	rm -rf target/million && mkdir -p target/million
	QUEUE_DIR=$(CURDIR)/target/million/state cargo bench --bench queue >target/million/queue.json
	MODEMSIM=$(MODEMSIM) GSMGATE_BIN=target/release/gsmgate tests/judge/million.py --state target/million/state --queue target/million/queue.json; \
	  ended=$$?; rm -rf target/million; exit $$ended

judge: $(MODEMSIM) tools ## Mosquitto, foreign modems, kill -9 and broker restarts: nothing lost, nothing unexplained.
	cargo build --release
	MODEMSIM=$(MODEMSIM) tests/judge/mosquitto_chaos.py
	MODEMSIM=$(MODEMSIM) tests/judge/mosquitto_chaos.py --chaos

chaos: $(MODEMSIM) tools $(CHAOS_BIN) ## kill -9 again and again while eight SIMs send and receive, judged from outside. KILLS=10000 SEED=1.
	GSMGATE_BIN=$(CHAOS_BIN) MODEMSIM=$(MODEMSIM) tests/judge/chaos.py --kills $(KILLS) --seed $(or $(SEED),1) $(CHAOS)

sabotage: ## One deliberate mistake for each invariant of the guarantee: its test has to go red.
	tests/sabotage.py $(ARGS)

# KILLPOINTS="--slice 3/40", or "--scenario send-3"; an interrupted run goes on.
killpoints: $(MODEMSIM) tools $(CHAOS_BIN) ## kill -9 before and after every call that writes, in sending, receiving and publishing.
	GSMGATE_BIN=$(CHAOS_BIN) MODEMSIM=$(MODEMSIM) tests/judge/killpoints.py $(KILLPOINTS)

recovery: $(MODEMSIM) tools target/release/gsmgate ## How soon after kill -9 and a broker's outage all works again, in real time. RECOVERY="--kills 200".
	GSMGATE_BIN=target/release/gsmgate MODEMSIM=$(MODEMSIM) tests/judge/recovery.py $(RECOVERY)

restarts: $(MODEMSIM) tools target/release/gsmgate ## SIGTERM and start again under load: nothing in doubt. N=1000 SEED=1.
	GSMGATE_BIN=target/release/gsmgate MODEMSIM=$(MODEMSIM) tests/judge/restarts.py --restarts $(or $(N),1000) --seed $(or $(SEED),1) $(RESTARTS)

soak: $(MODEMSIM) tools target/release/gsmgate ## A day of load and faults in half an hour: nothing lost, nothing grows. HOURS=24 SPEED=48 SEED=1.
	GSMGATE_BIN=target/release/gsmgate MODEMSIM=$(MODEMSIM) tests/judge/soak.py --hours $(HOURS) --speed $(SPEED) --seed $(or $(SEED),1) $(SOAK)

target/release/gsmgate: FORCE
	cargo build --release

target/debug/gsmgate: FORCE
	cargo build

FORCE:

troubles: $(MODEMSIM) tools ## Foreign modems that hang, garble, vanish, refuse and fill up, of four makes: nothing lost. SEED=n replays.
	cargo build --release
	MODEMSIM=$(MODEMSIM) tests/judge/modem_troubles.py $(if $(SEED),--seed $(SEED))

powercut: ## Cut the power of a simulated disk at random: nothing acknowledged is lost. CUTS=1000 SEED=1; writes proof/powercut.json.
	@mkdir -p proof
	$(if $(SEED),GSMGATE_POWERCUT_SEED=$(SEED)) GSMGATE_POWERCUT_CUTS=$(or $(CUTS),1000) GSMGATE_POWERCUT_PROOF=proof/powercut.json \
	  GSMGATE_POWERCUT_COMMIT=$(COMMIT) \
	  cargo test --release --test powercut -- --exact what_was_acknowledged_survives_power_cuts --nocapture

# N=100000, or FOR=60 seconds; SEED replays.
histories: ## Whole lives of a gateway in virtual time, each from one seed: faults, kills, restarts, clocks. N=100000 SEED=1.
	@mkdir -p proof
	GSMGATE_HISTORIES_SEED=$(or $(SEED),1) $(if $(FOR),GSMGATE_HISTORIES_SECONDS=$(FOR),GSMGATE_HISTORIES=$(or $(N),100000)) \
	  GSMGATE_HISTORIES_PROOF=$(or $(PROOF),proof/histories.json) \
	  GSMGATE_HISTORIES_COMMIT=$(COMMIT) \
	  cargo test --profile histories --test histories -- --exact histories_keep_the_guarantee --nocapture

# GSMGATE_REPORTS_SEED and GSMGATE_REASSEMBLY_SEED in the environment replay.
reports: ## Status reports, late, shuffled and twice, over turns of the reference: N=100000 messages; writes proof/reports.json.
	@mkdir -p proof && rm -f proof/reports.json
	GSMGATE_REPORTS=$(or $(N),100000) GSMGATE_REPORTS_PROOF=proof/reports.json GSMGATE_PROOF_COMMIT=$(COMMIT) \
	  cargo test --release --test store -- --exact matching::each_of_many_reports_finds_its_message --nocapture

reassembly: ## Parts in all orders, and N=1000000 random sequences, beside a naive model; writes proof/reassembly.json.
	@mkdir -p proof && rm -f proof/reassembly.json
	GSMGATE_REASSEMBLY=$(or $(N),1000000) GSMGATE_REASSEMBLY_PROOF=proof/reassembly.json GSMGATE_PROOF_COMMIT=$(COMMIT) \
	  cargo test --release --test store reassembly -- --nocapture --test-threads=1

codec-peers: ## Random texts written by python-messaging (from PyPI) are read here.
	cargo build
	python3 -m pip install --quiet --target $(BENCH_TARGET)/python python-messaging==0.5.13
	GSMGATE_BIN=target/debug/gsmgate PYTHONPATH=$(BENCH_TARGET)/python PYTHONDONTWRITEBYTECODE=1 python3 tests/judge/codec_peers.py

bench-peers: $(MODEMSIM) tools ## Side by side with other gateways: BENCH=folder CASES=a,b PEERS=smstools.
	python3 -c 'import paho.mqtt' 2>/dev/null || python3 -m pip install --quiet --target $(BENCH_TARGET)/python paho-mqtt
	cargo build --release
	python3 benches/probe.py $${BENCH_TMP:-/tmp}
	cd $(BENCH) && export BENCH_OURS=$(CURDIR)/benches/peers/gsmgate.py GSMGATE_BIN=$(CURDIR)/target/release/gsmgate \
	  MODEMSIM=$(MODEMSIM) PYTHONPATH=$(BENCH_TARGET)/python PYTHONDONTWRITEBYTECODE=1 && \
	for run in "ours" "$(PEERS) --variant $(VARIANT)"; do \
	  python3 bench.py all --peers $$run --cases $(CASES) --quiet 60 --out $(CURDIR)/target/bench-peers.jsonl || exit 1; \
	done

# Built from a copy: the bench's folder may be read-only.
$(MODEMSIM):
	mkdir -p $(BENCH_TARGET)
	cp -r $(BENCH)/modemsim $(BENCH_TARGET)/ && chmod -R u+w $(BENCH_TARGET)/modemsim
	cd $(BENCH_TARGET)/modemsim && CARGO_TARGET_DIR=$(BENCH_TARGET) cargo build --release --quiet

# Debian's mosquitto is the broker of the end-to-end tests. Installing needs root or sudo; without either it only says so.
tools:
	@missing=; for pair in $(TOOLS); do \
	  command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; done; \
	if [ -n "$$missing" ]; then \
	  echo "missing:$$missing: installing them with apt-get"; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  command -v apt-get >/dev/null || { echo "no apt-get here: install$$missing by hand" >&2; exit 1; }; \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	fi
