#!/usr/bin/env bash
# Runs every test, on a fresh Debian machine too: installs what is missing, then
#   1. the Rust tests, plain and under AddressSanitizer, and every interleaving of a few threads; with formatting and lints,
#   2. the C tests on the built library, plain and under valgrind, on a real pcscd of their own and on virtual readers,
#   3. the C tests again with the library and themselves under AddressSanitizer.
# The last line counts the tests of all of them.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

target=$PWD/target
log=$PWD/build/test.log
mkdir -p build
: >"$log"
broken=0

# Runs one step, whose output is kept for the count; a step that fails does not keep the others from being run.
step() {
    say "$1"
    shift
    "$@" 2>&1 | tee -a "$log"
    [[ ${PIPESTATUS[0]} -eq 0 ]] || broken=$((broken + 1))
}

rust_under_asan() {
    local triple
    triple=$(rustc -vV | sed -n 's/^host: //p')
    RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
        cargo test --locked -p scm --lib --target "$triple" --target-dir "$target/asan"
}

fuzz_targets() {
    cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null
}

# The handle table and the arbiter, with the threads of loom.
every_interleaving() {
    RUSTFLAGS='--cfg loom' cargo test --release --locked -p scm --lib --target-dir "$target/loom" interleavings
}

# c_tests DIRECTORY CMAKE-ARGUMENT...
c_tests() {
    local build=$1
    shift
    cmake -S . -B "$build" -DSCM_CARGO="$(command -v cargo)" -DSCM_RUSTC="$(command -v rustc)" \
        -DSCM_CARGO_TARGET_DIR="$target" "$@" >/dev/null &&
        cmake --build "$build" &&
        ctest --test-dir "$build" --output-on-failure --parallel 4
}

# All "test result: ok. 3 passed; 1 failed; ..." of cargo and "90% tests passed, 1 tests failed out of 10" of ctest.
count() {
    awk '
        /^test result: / { passed += $4; failed += $6 }
        /% tests passed, .* tests failed out of / { failed += $4; passed += $NF - $4 }
        END { print passed + 0, failed + 0 }' "$log"
}

need_packages "${PACKAGES_OF_TESTS[@]}"
need_rust "$RUST_OF_TESTS"
need_rust_tools

step "Formatting" cargo fmt --all --check
step "Lints" cargo clippy --locked --workspace --all-targets --target-dir "$target" -- -D warnings
# They are built only to be run (scripts/fuzz.sh), because libFuzzer takes its time; that their lock file is up to date is seen here.
step "The fuzz targets" fuzz_targets
step "Rust tests" cargo test --locked --workspace --target-dir "$target"
step "Rust tests under AddressSanitizer" rust_under_asan
step "Every interleaving of a few threads" every_interleaving
step "C tests, plain and under valgrind" c_tests build/test -DSCM_VALGRIND=ON
step "C tests under AddressSanitizer" c_tests build/asan -DSCM_SANITIZE=address
step "Building the benchmark" benches/build.sh
step "Instructions and allocations of an exchange" benches/instructions.sh

read -r passed failed < <(count)
# A step can fail without a test that fails: it does not build, or it leaks.
((failed >= broken)) || failed=$broken
echo
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
