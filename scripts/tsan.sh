#!/usr/bin/env bash
# Runs the Rust tests of the library, and C programs with many threads, under ThreadSanitizer. On Debian it installs
# what is missing: a Rust with the source of its standard library, which must be built with the sanitizer too, and clang
# of the same LLVM.
#
#     scripts/tsan.sh
#
# Any report is a failure. Reports are in build/tsan/report.*.
set -euo pipefail
shopt -s inherit_errexit

cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

build=$PWD/build/tsan
target=$PWD/target/tsan

# Debian's Rust, even if another one is first on the PATH: that has no source. If a release's own is too old, the one
# for browsers.
need_rust_with_source() {
    local suffix=''
    is_installed rustc-web || ! has_candidate rustc 1.85 && suffix=-web
    need_packages "rustc$suffix" "cargo$suffix" "rust$suffix-src"
    cargo=/usr/bin/cargo rustc=/usr/bin/rustc
}

need_clang() {
    local llvm
    llvm=$("$rustc" -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
    clang=clang-$llvm
    symbolizer=/usr/lib/llvm-$llvm/bin/llvm-symbolizer
    need_packages "$clang" "libclang-rt-$llvm-dev" "llvm-$llvm"
}

# Without exhaustive and interleavings, which have no threads, or those of loom.
rust_tests() {
    "$cargo" test --profile quick --locked -p scm --lib "${flags[@]}" --target-dir "$target" -- \
        --skip exhaustive --skip interleavings
}

programs=(stress threads thread_cancel thread_end callback wait log)

build_c_tests() {
    cmake -S . -B "$build" -DSCM_SANITIZE=thread -DSCM_WERROR=ON -DSCM_CARGO="$cargo" -DSCM_RUSTC="$rustc" \
        -DCMAKE_C_COMPILER="$clang" "-DSCM_CARGO_FLAGS=${flags[0]}" -DSCM_CARGO_TARGET_DIR="$target" >/dev/null
    cmake --build "$build" --target "${programs[@]/#/test_}"
}

# Tests whose children create threads are left out, because the sanitizer does not follow them. So is the soak, which
# counts open files, because the sanitizer opens some. They run on virtual readers: with pcscd the waits are in
# libpcsclite, which is not instrumented.
c_tests() {
    ctest --test-dir "$build" --output-on-failure --timeout 300 \
        -R "^(virtual\\.(threads|thread_cancel|wait|log)|stress|thread_end|callback)\$"
}

# A program without the sanitizer reports nothing. grep reads everything, because nm fails on a closed pipe.
is_on() {
    nm -D "$build/lib/libscm.so" | grep __tsan_ >/dev/null && nm "$build/c-tests/test_stress" | grep __tsan_ >/dev/null
}

usage() {
    cat <<END
usage: scripts/tsan.sh

Runs the Rust tests of the library and C programs with many threads under ThreadSanitizer. Any report is a failure.
END
}

case $# in
0) ;;
*)
    [[ $* != --help ]] || { usage && exit; }
    usage >&2
    exit 2
    ;;
esac

need_packages "${PACKAGES_OF_TESTS[@]}"
need_rust_with_source
need_clang
mkdir -p "$build"
rm -f "$build"/report.*
triple=$("$rustc" -vV | sed -n 's/^host: //p')
flags=("-Zbuild-std=std,panic_unwind,test" --target "$triple")
export RUSTC=$rustc RUSTC_BOOTSTRAP=1 CC=$clang
export RUSTFLAGS="-Zsanitizer=thread -Zexternal-clangrt -Clinker=$clang -Clink-arg=-fsanitize=thread"
export CARGO_PROFILE_QUICK_DEBUG=line-tables-only
TSAN_OPTIONS="log_path=$build/report exitcode=66 die_after_fork=0 ${TSAN_OPTIONS:-}"
export TSAN_OPTIONS="suppressions=$PWD/c-tests/tsan.supp external_symbolizer_path=$symbolizer $TSAN_OPTIONS"

say "Rust tests under ThreadSanitizer"
rust_tests
say "C programs under ThreadSanitizer"
build_c_tests
is_on || die "the sanitizer is not in what was built"
c_tests
compgen -G "$build/report.*" >/dev/null && die "there are reports: $build/report.*"
say "no report"
