#!/usr/bin/env bash
# Mutates the codec: each one-line change has to turn a test red. The codec is copied into a package of its own, so that
# a mutant is built in seconds; cargo-mutants is installed when it is missing. Arguments go to cargo mutants.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v cargo-mutants >/dev/null || cargo install --locked cargo-mutants
package=target/codec
rm -rf "$package/src" "$package/tests"
mkdir -p "$package/src" "$package/tests"
cp -r src/tpdu "$package/src/"
echo '//! The codec alone.
pub mod tpdu;' >"$package/src/lib.rs"
cp tests/codec_properties.rs tests/conformance.rs "$package/tests/"
{
    echo '[package]
name = "gsmgate"
version = "0.0.0"
edition = "2024"
[workspace]
[lib]
doctest = false
[dependencies]'
    sed -n '/^\[dependencies\]/,/^$/p' Cargo.toml | grep -E '^(encoding_rs|icu_normalizer|jiff|thiserror) '
    echo '[dev-dependencies]'
    sed -n '/^\[dev-dependencies\]/,/^$/p' Cargo.toml | grep -E '^proptest '
    sed -n '/^\[dependencies\]/,/^$/p' Cargo.toml | grep -E '^serde_json '
    echo '[profile.test]
opt-level = 1
debug = 0'
} >"$package/Cargo.toml"
cp Cargo.lock "$package/"
# The copy of the package is deeper, and mutated in yet another folder.
GSMGATE_SHARED=$(realpath "${GSMGATE_SHARED:-../shared}" 2>/dev/null || true)
export GSMGATE_SHARED
equivalent=()
while IFS= read -r expression; do
    equivalent+=(--exclude-re "$expression")
done < <(grep -v '^#\|^$' tests/mutants.equivalent)
exec cargo mutants "${equivalent[@]}" --dir "$package" --no-shuffle --output target \
    --jobs "${JOBS:-2}" --minimum-test-timeout 60 "$@"
