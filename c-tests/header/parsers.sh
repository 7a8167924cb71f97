#!/bin/sh
# parsers.sh luajit|bindgen|python3 PROGRAM: the headers as a parser of another language reads them. Every code and constant must
# arrive with its value. The environment says CC, RUSTC, LIBRARY and INCLUDE.
set -eu
parser=$1 program=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '#include "scm_provider.h"\n#include "scm_virtual.h"\n' >"$work/all.h"
# These parsers know the types of the standard headers themselves.
mkdir "$work/empty"
: >"$work/empty/stddef.h"
: >"$work/empty/stdint.h"
$CC -E -P -nostdinc "-I$work/empty" "-I$INCLUDE" "$work/all.h" >"$work/all.i"

case $parser in
luajit) "$program" "$here/parser.lua" "$work/all.i" "$LIBRARY" ;;
python3) "$program" "$here/parser.py" "$work/all.i" "$LIBRARY" ;;
bindgen)
    # The bindgen of Debian 12 loads the newest libclang that is installed, and cannot read unnamed types with one after 15.
    for libclang in "${LIBCLANG_PATH-}" /usr/lib/llvm-*/lib; do
        LIBCLANG_PATH=$libclang "$program" "$work/all.h" -- "-I$INCLUDE" >"$work/all.rs" 2>>"$work/log" && break
    done
    [ -s "$work/all.rs" ] || {
        cat "$work/log" >&2
        exit 1
    }
    # The name and the value of each enumerator that the compiler sees.
    tr -d ' \n' <"$work/all.i" | grep -o 'enum{[^}]*}' | sed 's/enum{//; s/}//' | tr ',' '\n' >"$work/enumerators"
    [ "$(wc -l <"$work/enumerators")" -gt 150 ]
    {
        echo '#![allow(warnings)]'
        cat "$work/all.rs"
        echo 'const _: () = assert!(SCM_INFINITE as u64 == 0xFFFF_FFFF && SCM_E_HANDLE as i64 == -2147024890);'
        sed 's/\(.*\)=\(.*\)/const _: () = assert!(\1 as i64 == \2);/' "$work/enumerators"
    } >"$work/check.rs"
    "$RUSTC" --edition 2021 --crate-type lib --emit metadata --out-dir "$work" "$work/check.rs"
    ;;
esac
