#!/usr/bin/env bash
# Builds and runs the benchmark of libscm: times on a private pcscd, instructions without one.
set -euo pipefail

cd "$(dirname "$0")/.."
benches/build.sh
cargo build --release --locked -p scm-stack -p scm-card
target=$(realpath "${CARGO_TARGET_DIR:-target}")
out=$target/bench

# One core for all: the program, the daemon and the card take turns anyway, and the time to wake a second core varies
# more than the measured cost.
core=$(sed -n 's/^Cpus_allowed_list:\s*\([0-9]*\).*/\1/p' /proc/self/status)
# shellcheck disable=SC2016 # for the shell inside
taskset -c "$core" "$target/release/scm-stack" run --readers 1 -- sh -c \
    '"$0" tell insert 0 steerable >/dev/null && exec "$1"' "$target/release/scm-stack" "$out/bench"
echo
# The contending threads use all cores.
# shellcheck disable=SC2016 # for the shell inside
"$target/release/scm-stack" run --readers 1 -- sh -c \
    '"$0" tell insert 0 steerable >/dev/null && exec "$1"' "$target/release/scm-stack" "$out/contended"
"$target/release/scm-stack" run --readers 1 -- "$out/monitor"
echo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# No settings of the user for opensc-explorer.
OPENSC_CONF=/dev/null taskset -c "$core" "$target/release/scm-stack" run --readers 1 -- \
    "$out/file" "$work" "$out/cat" "$(command -v opensc-explorer)"
echo
"$out/many"
echo
LD_LIBRARY_PATH=$out/nothing "$out/trace"
echo
benches/instructions.sh
benches/cpp.sh
benches/size.sh
