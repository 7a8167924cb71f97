#!/usr/bin/env bash
# Builds libscm and the benchmark, and runs it: times on a real pcscd of its own, instructions on none.
set -euo pipefail

cd "$(dirname "$0")/.."
benches/build.sh
cargo build --release --locked -p scm-stack -p scm-card
target=$(realpath "${CARGO_TARGET_DIR:-target}")
out=$target/bench

# All on one core: a program, the daemon and the card take turns anyway, and how long a second core takes to wake up
# varies more than what is measured.
core=$(sed -n 's/^Cpus_allowed_list:\s*\([0-9]*\).*/\1/p' /proc/self/status)
# shellcheck disable=SC2016 # for the shell inside
taskset -c "$core" "$target/release/scm-stack" run --readers 1 -- sh -c \
    '"$0" tell insert 0 steerable >/dev/null && exec "$1"' "$target/release/scm-stack" "$out/bench"
echo
# Threads contend on as many cores as there are.
# shellcheck disable=SC2016 # for the shell inside
"$target/release/scm-stack" run --readers 1 -- sh -c \
    '"$0" tell insert 0 steerable >/dev/null && exec "$1"' "$target/release/scm-stack" "$out/contended"
"$target/release/scm-stack" run --readers 1 -- "$out/monitor"
echo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# opensc-explorer has its settings from nowhere.
OPENSC_CONF=/dev/null taskset -c "$core" "$target/release/scm-stack" run --readers 1 -- \
    "$out/file" "$work" "$out/cat" "$(command -v opensc-explorer)"
echo
"$out/many"
echo
benches/instructions.sh
