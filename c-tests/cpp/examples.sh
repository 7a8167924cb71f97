#!/bin/bash
# The C++ examples on a card, and without one.
#
#     scm-stack run --readers 1 -- examples.sh FOLDER-OF-PROGRAMS PATH/scm-stack
set -uo pipefail

programs=${1:?the folder of the programs}
stack=${2:?the path of scm-stack}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

tell() {
    "$stack" tell "$@" >"$work/answer" || { echo "FAILED: $*"; exit 1; }
    sed 's/^ok *//' "$work/answer"
}

# expect STATUS PATTERN PROGRAM ARGUMENT...: the program ends with STATUS, and its whole output matches PATTERN.
expect() {
    local status=$1 pattern=$2 came
    shift 2
    "$programs/$1_cpp" "${@:2}" >"$work/output" 2>&1
    came=$?
    # shellcheck disable=SC2053 # a pattern
    if [[ $came != "$status" || $(tr -d '\0' <"$work/output") != $pattern ]]; then
        echo "$* ended with $came, not $status:"
        cat "$work/output"
        failures=$((failures + 1))
    fi
}

reader=$(tell ifd 0)
external=000102030405060708090A0B0C0D0E0F
internal=101112131415161718191A1B1C1D1E1F

expect 1 "*: No card is in the reader.*attach: SCM_SCARD_E_NO_SMARTCARD: No card is in the reader." attach
expect 1 "3F00/2F00: SCM_SCARD_E_NO_SMARTCARD: *" cat "$reader" 3F00/2F00
expect 0 "*a reader is there*from now on changes" watch 0.5

tell insert 0 scm >/dev/null
expect 0 "6A 82 " attach # it has no OpenPGP application
expect 0 "Hello from the libscm test card*" cat "$reader" 3F00/5015/4401
expect 1 "3F00/5015/4406: SCM_SCARD_W_SECURITY_VIOLATION: *" cat "$reader" 3F00/5015/4406
expect 1 "3F00/9999: SCM_SCARD_E_FILE_NOT_FOUND: *" cat "$reader" 3F00/9999
expect 1 "2F00: SCM_SCARD_E_UNKNOWN_READER: *" cat "no such reader" 2F00
expect 0 "The PIN is right." pin "$reader" 1 <<<1234
expect 1 "pin: SCM_SCARD_W_WRONG_CHV: The code was wrong. Tries left: 2" pin "$reader" 1 <<<9999
expect 0 "The PIN is right." pin "$reader" 1 <<<1234
expect 1 "pin: SCM_SCARD_E_UNSUPPORTED_FEATURE: *" pin "$reader" 1 <<<"" # no PIN pad
expect 0 "The card accepts the program.?The card has its key." authenticate "$reader" 1 $external 2 $internal
expect 1 "authenticate: SCM_SCARD_W_SECURITY_VIOLATION: *" authenticate "$reader" 1 $internal 2 $internal
expect 1 "*?authenticate: SCM_SCARD_W_CARD_NOT_AUTHENTICATED: *" authenticate "$reader" 1 $external 2 $external
expect 1 "authenticate: SCM_E_INVALIDARG: *" authenticate "$reader" 1 no-key 2 $internal
expect 0 "*$reader: a card is in the reader 3b *from now on changes" watch 0.5
expect 0 "0 failed" card_test
expect 0 "/tracks/1: Heroes?/tracks/9: SCM_SCARD_E_BAD_SEEK: *" provider

exit $((failures > 0))
