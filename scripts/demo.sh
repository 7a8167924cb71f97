#!/usr/bin/env bash
# Shows libscm at work, on a fresh Debian machine too: installs what is missing, builds, and runs examples/demo.c beside
# a pcscd of its own with virtual readers. The readers and the pcscd of the machine are left alone.
set -euo pipefail

cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

build=$PWD/build/demo
prefix=$build/prefix
target=$PWD/target

need_packages pcscd vsmartcard-vpcd libpcsclite-dev pkg-config cmake make gcc libc6-dev libclang-dev
need_rust "$RUST_OF_TESTS"

say "Building libscm, installing it into ${prefix#"$PWD/"}"
cmake -S . -B "$build" -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DSCM_BUILD_TESTS=OFF \
    -DSCM_CARGO="$(command -v cargo)" -DSCM_RUSTC="$(command -v rustc)" -DSCM_CARGO_TARGET_DIR="$target" >/dev/null
cmake --build "$build" >/dev/null
cmake --install "$build" >/dev/null

say "Building the private stack and its cards"
cargo build --release --locked --target-dir "$target" -p scm-stack -p steerable-card -p openpgp-card

say "Building the demo"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
read -ra flags < <(pkg-config --cflags --libs scm)
gcc -std=gnu11 -O2 -Wall -Wextra -Werror -Ic-tests/support examples/demo.c c-tests/support/stack.c -o "$build/demo" \
    "${flags[@]}" -Wl,-rpath,"$prefix/lib"

say "Running it"
exec "$target/release/scm-stack" run --readers 1 -- "$build/demo"
