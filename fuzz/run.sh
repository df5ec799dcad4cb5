#!/usr/bin/env bash
# Fuzzes every target, or those named, for SECONDS each (default 10), with SEED. New inputs stay in target/; what crashes
# is kept beside, and the line that replays it is printed.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${SECONDS_EACH:-10}
seed=${SEED:-$((RANDOM * 32768 + RANDOM + 1))}
jobs=${JOBS:-2}
host=$(rustc -vV | sed -n 's/^host: //p')
# What cargo-fuzz passes, but for the sanitizers, which need a nightly compiler: the codec forbids unsafe code.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
RUSTFLAGS=$flags cargo build --release --quiet --target "$host"
bin=target/$host/release

targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=($(cd src/bin && ls ./*.rs | sed 's|^\./||; s|\.rs$||'))

one() {
    local target=$1 work=target/corpus/$1 log=target/$1.log
    mkdir -p "$work" "target/crashes/$target" "corpus/$target"
    # -max_len: a hex line or a message in 255 parts is longer than a PDU, and slower; these lengths reach all code.
    if "$bin/$target" -seed="$seed" -max_total_time="$seconds" -max_len=2048 -timeout=10 -rss_limit_mb=512 \
        -artifact_prefix="target/crashes/$target/" -print_final_stats=1 "$work" "corpus/$target" >"$log" 2>&1; then
        awk -v target="$target" '
            /stat::number_of_executed_units/ { n = $2 }
            /stat::average_exec_per_sec/ { rate = $2 }
            / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
            END { printf "%-14s %12d runs %9d /s  %5d edges\n", target, n, rate, cov }' "$log"
    else
        tail -40 "$log"
        echo "replay: cd fuzz && $bin/$target $(ls -t "target/crashes/$target"/* 2>/dev/null | head -1)   # seed $seed"
        return 1
    fi
}
export -f one
export seconds seed bin

echo "seed $seed, $seconds s a target"
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -euo pipefail -c 'one {}'
