#!/usr/bin/env bash
# The long soak: threads of two processes on four readers, with a fault every 50 ms, on a private pcscd and then on
# virtual readers. Installs what is missing.
set -euo pipefail

cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

if [[ $# -lt 1 || $# -gt 2 || ! $1 =~ ^[1-9][0-9]*$ || ! ${2:-0} =~ ^[0-9]+$ ]]; then
    echo "usage: scripts/soak.sh MINUTES [SEED]     so long on either kind of readers" >&2
    exit 2
fi
seconds=$(($1 * 60))

need_packages "${PACKAGES_OF_TESTS[@]}"
need_rust
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
cmake -S . -B build/soak -DSCM_CARGO="$(command -v cargo)" -DSCM_RUSTC="$(command -v rustc)" \
    -DSCM_CARGO_TARGET_DIR="$target" -DSCM_CARD=OFF -DSCM_TOOL=OFF >/dev/null
cmake --build build/soak

soak=build/soak/c-tests/test_soak
say "Soaking a pcscd for $1 min"
with_namespaces "$target/debug/scm-stack" run --readers 4 -- "$soak" --pcscd "$seconds" "${@:2}"
say "Soaking virtual readers for $1 min"
"$soak" --virtual "$seconds" "${@:2}"
