#!/usr/bin/env bash
# Runs the fuzz targets (fuzz/targets), each for the given time, on the code that reads foreign bytes. Installs what is
# missing. New inputs and failing inputs are stored in build/fuzz.
set -euo pipefail

cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

targets=(tlv fcp atr response path)
if [[ $# -lt 1 || $# -gt 2 || ! $1 =~ ^[1-9][0-9]*$ || -n ${2:-} && " ${targets[*]} " != *" $2 "* ]]; then
    echo "usage: scripts/fuzz.sh SECONDS [TARGET]     so long for each of: ${targets[*]}" >&2
    exit 2
fi

need_packages "${PACKAGES_OF_TESTS[@]}"
need_rust
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/fuzz
triple=$(rustc -vV | sed -n 's/^host: //p')

# The flags of cargo-fuzz that need no nightly compiler. The fuzzed code has no unsafe, and so needs no sanitizer.
say "Building the targets"
RUSTFLAGS="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares" \
    cargo build --release --locked --manifest-path fuzz/Cargo.toml --target "$triple" --target-dir "$target"

for name in ${2:-"${targets[@]}"}; do
    say "Fuzzing $name for $1 s"
    mkdir -p "build/fuzz/$name"
    "$target/$triple/release/$name" -max_total_time="$1" -max_len=1024 -artifact_prefix="build/fuzz/$name-" \
        -print_final_stats=1 -verbosity=0 "build/fuzz/$name" "fuzz/corpus/$name"
done
