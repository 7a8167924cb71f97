#!/usr/bin/env bash
# Shows libscm at work, also on a fresh Debian: installs what is missing, builds, and runs examples/demo.c. By default
# everything happens inside the process, on a virtual reader.
set -euo pipefail

cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

usage() {
    cat <<END
usage: scripts/demo.sh [--pcscd]

Builds libscm and the demo, and runs it on a virtual reader, without a daemon. It needs a C compiler, pkg-config,
libpcsclite with its headers, and Rust. On Debian it installs what is missing, which needs root.

  --pcscd   the same demo on a private pcscd with a vpcd reader; it does not touch those of the machine
  --help    this text
END
}

# Existing tools are used, whatever their origin.
need_what_builds() {
    local missing=()
    has_c_compiler || missing+=(gcc libc6-dev)
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    pkg-config --exists libpcsclite 2>/dev/null || missing+=(libpcsclite-dev)
    [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
    need_rust
}

# A compiler with the headers of a C library, which are in another package.
has_c_compiler() {
    echo '#include <stdio.h>' | cc -x c -fsyntax-only - 2>/dev/null
}

# build_crates CARGO-ARGUMENT...
build_crates() {
    cargo build --release --locked --target-dir "$target" "$@"
}

build_demo() {
    local soname
    # A program finds the library by its soname. An installation has that file name, and cargo does not create it.
    soname=$(LC_ALL=C readelf --dynamic "$target/release/libscm.so" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')
    mkdir -p "$build"
    ln -sf "$target/release/libscm.so" "$build/$soname"
    cc -std=c11 -O2 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L -Iinclude -Icrates/card/include -Ic-tests/support \
        examples/demo.c examples/stage/*.c c-tests/support/stack.c -o "$build/demo" \
        -L"$target/release" -lscm -lscm_card -Wl,-rpath,"$build" -Wl,-rpath,"$target/release"
}

on_pcscd=
case $#:${1:-} in
0:) ;;
1:--pcscd) on_pcscd=yes ;;
1:--help)
    usage
    exit
    ;;
*)
    usage >&2
    exit 2
    ;;
esac

build=$PWD/build/demo
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")

need_what_builds
say "Building libscm and its test card"
build_crates -p scm -p scm-card --no-default-features --lib
if [[ $on_pcscd ]]; then
    need_packages pcscd vsmartcard-vpcd
    say "Building the private stack"
    build_crates -p scm-stack -p scm-card
fi
say "Building the demo"
build_demo
say "Running it"
if [[ $on_pcscd ]]; then
    with_namespaces "$target/release/scm-stack" run --readers 1 -- "$build/demo" --pcscd
    exit
fi
exec "$build/demo"
