#!/usr/bin/env bash
# Runs all tests, also on a fresh Debian. It installs what is missing, then runs in parallel:
#   1. the Rust tests, plain and under AddressSanitizer, and every interleaving of a few threads; formatting and lints,
#   2. the C tests on the built library, plain and under valgrind, on a private pcscd and on virtual readers; again with
#      the library and the tests under AddressSanitizer; and the cost of an exchange.
# The last line counts the tests.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=scripts/tally.sh
source scripts/tally.sh

usage() {
    cat <<END
usage: scripts/test.sh [--pcsc | --debian SUITE]

Runs all tests. On Debian it installs what is missing.

  --pcsc           only the plain C tests, which depend on the pcscd and the libpcsclite of the machine
  --debian SUITE   the same on another Debian, such as trixie or sid, in a folder made by debootstrap, which stays in
                   build/debian for the next time
  --help           this text
END
}

# Runs two lists of steps in parallel, because each leaves a processor free while it links or waits for a card. A new
# step is a line in one of them, and a function below. The C tests may ask for a password, so they run in the
# foreground.
every_step() {
    set -m
    lane rust rust_steps &
    set +m
    # shellcheck disable=SC2064 # the process of now
    trap "kill -- -$! 2>/dev/null" EXIT
    # A failed step has reported itself. A list that ends before its last step is another failure.
    lane c c_steps || echo "the steps of C" >>"$log.broken"
    wait $! || echo "the steps of Rust" >>"$log.broken"
    trap - EXIT
}

rust_steps() {
    step "Formatting" cargo fmt --all --check
    step "Lints" lints
    # Only scripts/fuzz.sh builds them, because libFuzzer is slow; this checks that their lock file is up to date.
    step "The fuzz targets" fuzz_targets
    step "Rust tests" cargo test --no-fail-fast --locked "${members[@]}" --target-dir "$target"
    step "Rust tests under AddressSanitizer" rust_under_asan
    step "Every interleaving of a few threads" every_interleaving
}

c_steps() {
    step "C tests, plain and under valgrind" c_tests build/test -DSCM_VALGRIND=ON
    step "Building the benchmark" benches/build.sh
    step "Instructions and allocations of an exchange" benches/instructions.sh
    step "Instructions and allocations of an exchange in C++" benches/cpp.sh
    step "Size of the library" benches/size.sh
    step "C tests under AddressSanitizer" c_tests build/asan -DSCM_SANITIZE=address
}

what_depends_on_pcsc() {
    step "C tests on $(pkg-config --modversion libpcsclite), built as for a distribution" as_distributions_do \
        c_tests build/distribution -DSCM_VALGRIND=OFF -DCMAKE_BUILD_TYPE=Release
}

# Runs a command with the flags of distributions for C and C++.
as_distributions_do() {
    local flags="-g -O3 -flto=auto -D_FORTIFY_SOURCE=3 -fstack-protector-strong -Wformat -Werror=format-security"
    CFLAGS=$flags CXXFLAGS=$flags LDFLAGS="-flto=auto -Wl,-z,relro -Wl,-z,now" "$@"
}

# An older clippy reports code that newer ones accept, so its report is shown and does not count.
lints() {
    local weight=(-D warnings)
    is_recent "$(command -v rustc)" "$RUST_OF_LINTS" || weight=(--cap-lints warn)
    cargo clippy --locked "${members[@]}" --all-targets --target-dir "$target" -- "${weight[@]}" &&
        cargo clippy --locked -p scm --features load-pcsc --target-dir "$target/loading" -- "${weight[@]}"
}

# Links gcc's runtime, which comes with gcc: Debian's Rust has none, and must be told not to search for it. The
# exhaustive tests are skipped: they test the attachment, which has no unsafe code, and take most of the time.
rust_under_asan() {
    local triple runtime=-Wl,--push-state,--no-as-needed,-lasan,--pop-state
    triple=$(rustc -vV | sed -n 's/^host: //p')
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Zexternal-clangrt -Zpre-link-args=$runtime" \
        cargo test --locked -p scm --lib --target "$triple" --target-dir "$target/asan" -- --skip exhaustive
}

fuzz_targets() {
    cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null
}

# The handle table and the arbiter, with the threads of loom.
every_interleaving() {
    RUSTFLAGS='--cfg loom' cargo test --profile quick --locked -p scm --lib --target-dir "$target/loom" interleavings
}

# c_tests DIRECTORY CMAKE-ARGUMENT...
# Tests mostly wait, so more of them run at once than there are processors.
c_tests() {
    local build=$1
    shift
    cmake -S . -B "$build" -DSCM_CARGO="$(command -v cargo)" -DSCM_RUSTC="$(command -v rustc)" \
        -DSCM_CARGO_TARGET_DIR="$target" -DSCM_OPENPGP_CARD="$openpgp_card" -DSCM_WERROR=ON "$@" >/dev/null &&
        cmake --build "$build" --parallel "$(nproc)" &&
        with_namespaces ctest --test-dir "$build" --output-on-failure --parallel $((6 * $(nproc)))
}

# Runs a list of steps, with its name in front of each line.
lane() {
    lane=$1 "$2" 2>&1 | sed --unbuffered "s/^/$1 | /"
}

# Runs one step and stores its output for the count. The next steps run even if it fails.
step() {
    local name=$1 status wall user system kept=$log.${lane:-all}
    shift
    say "$name"
    # The third descriptor keeps the output of `time` out of the file.
    { time {
        "$@" 2>&1 | tee -a "$kept" >&3
        status=${PIPESTATUS[0]}
    }; } 3>&1 2>"$kept.time"
    read -r wall user system <"$kept.time"
    printf '%5d s, %5d s of processor   %s\n' "$wall" "$((user + system))" "$name" >>"$log.seconds"
    [[ $status -eq 0 ]] || echo "$name" >>"$log.broken"
}

# All "test result: ok. 3 passed; 1 failed; ..." of cargo and "90% tests passed, 1 tests failed out of 10" of ctest.
count() {
    awk '
        /^test result: / { passed += $4; failed += $6 }
        /% tests passed.* out of / {
            bad = match($0, /[0-9]+ tests failed/) ? substr($0, RSTART) + 0 : 0
            failed += bad
            passed += $NF - bad
        }
        END { print passed + 0, failed + 0 }' "$log".{rust,c,all}
}

# The failed steps and tests, with the first lines that each test printed.
failed_ones() {
    sed 's/^/! /' "$log.broken"
    awk '
        # cargo
        /^test .* FAILED$/ { print "! " $2 }
        /^---- .* stdout ----$/ { print "! " $0; left = 12; next }
        # ctest
        /^ *[0-9]+\/[0-9]+ Test .*\*\*\*/ { print "! " $0; left = 30; next }
        /^ *[0-9]+\/[0-9]+ Test / { left = 0 }
        /^ *Start +[0-9]+:/ { next }
        left > 0 && left-- && NF { print "!     " $0 }' "$log".{rust,c,all}
}

# In a folder of another Debian.
on_debian() {
    local suite=$1
    # shellcheck source=scripts/folder.sh
    source scripts/folder.sh
    [[ $suite =~ ^($SUITES)$ ]] || die "this is none of $SUITES: $suite"
    become_root --debian "$suite"
    trap leave_folder EXIT
    trap 'exit 1' INT TERM HUP
    in_folder "$PWD/build/debian/$suite" "$suite" root scripts/test.sh --pcsc
    exit
}

way=${1-}
case $#:$way in
0: | 1:--pcsc) ;;
2:--debian) on_debian "$2" ;;
1:--help)
    usage
    exit
    ;;
*)
    usage >&2
    exit 2
    ;;
esac

target=$PWD/target
log=$PWD/build/test.log
skipped=0
TIMEFORMAT='%0R %0U %0S'
mkdir -p build
for part in rust c all seconds broken; do
    : >"$log.$part"
done

need_packages "${PACKAGES_OF_TESTS[@]}"
need_rust
members=(--workspace)
openpgp_card=ON
if ! builds_openpgp_card; then
    members+=(--exclude openpgp-card)
    openpgp_card=OFF
    skipped=1
fi

if [[ $way == --pcsc ]]; then
    what_depends_on_pcsc
else
    need_rust_tools
    every_step
fi

read -r passed failed < <(count)
# A step can fail without a failed test, by a build error or a leak.
broken=$(wc -l <"$log.broken")
((failed >= broken)) || failed=$broken
say "How long each step took"
cat "$log.seconds"
if [[ $openpgp_card == OFF ]]; then
    say "Skipped: the OpenPGP card, which wants Rust $RUST_OF_OPENPGP. This is $(rustc --version)."
    ! is_installed rustc-web ||
        echo "   Debian has a newer one in its security suite, which is a line in /etc/apt/sources.list, such as
   deb $(mirror_of_debian)-security $(. /etc/os-release && echo "$VERSION_CODENAME")-security main"
fi
tell_failures "$(failed_ones)"
echo
tally_line "$passed" "$failed" "$skipped"
[[ $failed -eq 0 ]]
