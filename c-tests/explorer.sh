#!/bin/bash
# libscm and opensc-explorer read the same files from the same card.
#
#     scm-stack run --readers 1 -- explorer.sh PATH/cat PATH/scm-stack
#
# It runs in its own stack, inserts one card after the other, and prints the differences.
set -uo pipefail

cat=${1:?the program of examples/cat.c}
stack=${2:?the path of scm-stack}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# No settings of the user for opensc-explorer.
export OPENSC_CONF=$work/opensc.conf LC_ALL=C
: >"$OPENSC_CONF"

tell() {
    "$stack" tell "$@" >"$work/answer" || { echo "FAILED: $*"; exit 1; }
}

# describe T1|T0 ATR: prints a card with files of all sizes, whose bytes tell their place.
describe() {
    local content size
    printf 'atr = "%s"\nmanners = "%s"\n[[mf.df]]\nid = 0x5015\n' "$2" "$1"
    content=$(for ((i = 0; i < 20000; i++)); do printf '%02X' $(((i * 7 + i / 256) % 256)); done)
    for size in "${sizes[@]}"; do
        printf '[[mf.df.ef]]\nid = 0x%04X\ncontent = "%s"\n' "$((0x4400 + size % 251))" "${content:0:2*size}"
    done
    printf '[[mf.df.df]]\nid = 0x5020\n[[mf.df.df.ef]]\nid = 0x4401\ncontent = "%s"\n' "${content:0:600}"
}

# same PATH: reads one file in both ways. opensc-explorer starts at the MF and enters one directory after the other.
same() {
    local directories=() path=$1
    IFS=/ read -r -a directories <<<"$path"
    "$cat" "$reader" "3F00/$path" >"$work/ours" || failures=$((failures + 1))
    rm -f "$work/theirs"
    {
        printf 'cd %s\n' "${directories[@]::${#directories[@]}-1}"
        printf 'get %s %s\n' "${directories[-1]}" "$work/theirs"
    } >"$work/script"
    opensc-explorer --reader 0 --card-driver default "$work/script" >"$work/log" 2>&1
    if ! [ -s "$work/theirs" ] || ! cmp "$work/ours" "$work/theirs"; then
        echo "FAILED: $manners, $path"
        cat "$work/log"
        failures=$((failures + 1))
    fi
}

sizes=(1 2 127 128 254 255 256 257 512 1000 4096 20000)
reader=$("$stack" tell ifd 0)
reader=${reader#ok }
declare -A atrs=([T1]=3B8B018031F873F741FF5373636DD7 [T0]=3B0B8031F873F741FF5373636D)
for manners in T1 T0; do
    describe "$manners" "${atrs[$manners]}" >"$work/$manners.toml"
    tell insert 0 "$work/$manners.toml"
    for size in "${sizes[@]}"; do
        same "5015/$(printf '%04X' "$((0x4400 + size % 251))")"
    done
    same 5015/5020/4401
    tell remove 0
done
[ "$failures" -eq 0 ] && echo "the same"
exit "$failures"
