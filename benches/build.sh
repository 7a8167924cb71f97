#!/usr/bin/env bash
# Builds libscm, the benchmark, and a PC/SC library that does nothing, into bench/ of cargo's target directory.
set -euo pipefail

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/bench/nothing"
target=$(realpath "$target")
out=$target/bench

compile() {
    # shellcheck disable=SC2046 # several options
    "${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror $(pkg-config --cflags libpcsclite) "$@"
}

compile_cpp() {
    "${CXX:-c++}" -std=c++17 -O2 -Wall -Wextra -Werror "$@"
}

# As CMake builds it.
cargo rustc --release --locked -p scm --lib --crate-type cdylib --crate-type staticlib
soname=$(objdump -p "$target/release/libscm.so" | sed -n 's/ *SONAME *//p')
ln -sf "$target/release/libscm.so" "$out/$soname"

compile -shared -fPIC -Wl,-soname,libpcsclite.so.1 -o "$out/nothing/libpcsclite.so.1" benches/nothing_pcsc.c
compile -Iinclude -o "$out/bench" benches/bench.c "$out/$soname" -Wl,-rpath,"$out" -lpcsclite -lpthread
compile -Iinclude -o "$out/contended" benches/contended.c "$out/$soname" -Wl,-rpath,"$out" -lpcsclite -lpthread
compile -Iinclude -Ic-tests/support -D_POSIX_C_SOURCE=200809L -o "$out/monitor" \
    benches/monitor.c c-tests/support/stack.c "$out/$soname" -Wl,-rpath,"$out" -lpcsclite -lpthread
compile -Iinclude -Ic-tests/support -D_POSIX_C_SOURCE=200809L -o "$out/file" benches/file.c c-tests/support/stack.c \
    "$out/$soname" -Wl,-rpath,"$out" -lpcsclite
compile -Iinclude -o "$out/many" benches/many.c "$out/$soname" -Wl,-rpath,"$out"
compile -Iinclude -o "$out/trace" benches/trace.c "$out/$soname" -Wl,-rpath,"$out"
compile -Iinclude -o "$out/memory" benches/memory.c "$out/$soname" -Wl,-rpath,"$out"
compile -Iinclude -o "$out/cat" examples/cat.c "$out/$soname" -Wl,-rpath,"$out"
compile_cpp -Iinclude -o "$out/cpp" benches/cpp.cpp "$out/$soname" -Wl,-rpath,"$out"
