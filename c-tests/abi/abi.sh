#!/bin/bash
# Compares the interface of the headers with the kept dump c-tests/abi/scm.abi, and fails if a program that was compiled
# with the older headers could break. New functions are no such change. A new field at the end of a structure that
# begins with its size fails too, because abidiff cannot tell it from one that breaks: look at it, and write the dump.
#
#     abi.sh compare VERSION-SCRIPT    the headers with the dump, and the dump with headers that break it
#     abi.sh write VERSION-SCRIPT      writes the dump
#
# It needs abidw and abidiff (Debian: abigail-tools).
set -euo pipefail

way=$1 symbols=$(realpath "$2")
cd "$(dirname "$0")"
kept=$PWD/scm.abi stub=$PWD/stub.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
headers=(scm.h scm_virtual.h scm_provider.h)
cp ../../include/*.h "$work/"
cd "$work"

# dump FILE: of the headers in this folder. Its name of the library is that of the real one.
dump() {
    "${CC:-cc}" -E -P "${headers[@]/#/-include}" -I. -x c /dev/null | python3 "$stub" "${headers[@]}" >stub.c
    "${CC:-cc}" -g -O0 -fPIC -shared -fno-eliminate-unused-debug-types -w -I. stub.c -Wl,-soname,libscm \
        "-Wl,--version-script=$symbols" -o libscm.so
    abidw --load-all-types --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --no-architecture \
        --type-id-style hash libscm.so >"$1"
}

compare() { # FILE
    abidiff --non-reachable-types --no-added-syms "$kept" "$1"
}

# change SED-COMMAND: makes a dump of changed headers.
change() {
    sed -i.before "$1" "${headers[@]}"
    cat "${headers[@]}" | cmp -s - <(cat "${headers[@]/%/.before}") && { echo "FAILED: changes nothing: $1"; exit 1; }
    dump changed.abi
    for header in "${headers[@]}"; do mv "$header.before" "$header"; done
}

# breaks NAME SED-COMMAND: such a change must fail, and the message has the name.
breaks() {
    change "$2"
    ! compare changed.abi >said || { echo "FAILED: not seen as a break: $2"; exit 1; }
    grep -q "$1" said || { echo "FAILED: \"$1\" is not named:" && cat said && exit 1; }
}

# grows SED-COMMAND: such a change must pass.
grows() {
    change "$1"
    compare changed.abi || { echo "FAILED: seen as a break: $1"; exit 1; }
}

dump now.abi
case $way in
write) cp now.abi "$kept" ;;
compare)
    compare now.abi || { echo "The interface is another one than in c-tests/abi/scm.abi."; exit 1; }
    # The comparison finds each kind of break.
    breaks scm_detach '/ scm_detach(scm_handle/d'
    breaks scm_attach_by_handle 's/uintptr_t icc, scm_handle \*\*handle/uint16_t icc, scm_handle **handle/'
    breaks scm_attach_options '/scm_attach_options {$/,/^}/s/uint32_t protocols;/uint64_t protocols;/'
    breaks SCM_SCARD_E_NO_SERVICE 's/SCM_SCARD_E_NO_SERVICE = .*,/SCM_SCARD_E_NO_SERVICE = 1,/'
    breaks SCM_IID_CARD_AUTH '/const scm_guid SCM_IID_CARD_AUTH;/d'
    grows 's/^SCM_API scm_result scm_detach(/SCM_API void scm_one_more(void);\n&/'
    ;;
esac
