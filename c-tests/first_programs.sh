#!/bin/bash
# Checks the messages of the examples and the programs of the README without a service, a right, a reader or a card.
#
#     first_programs.sh PATH/scm-stack FOLDER-OF-THE-LIBRARY FOLDER-OF-PROGRAMS FOLDER-OF-A-REFUSING-LIBPCSCLITE README
#
# It starts a stack for each state, and runs itself there with SCM_WORLD set.
set -uo pipefail

stack=$1 library=$2 programs=$3 refusing=$4 readme=$5
CC=${CC:-cc}
source=$(dirname "$readme")
failures=0
export LC_ALL=C LD_LIBRARY_PATH=$library

fail() {
    echo "FAILED in the world \"$SCM_WORLD\": $*"
    failures=$((failures + 1))
}

tell() {
    "$stack" tell "$@" >/dev/null || { echo "FAILED: $*"; exit 1; }
}

# says STATUS TEXT PROGRAM...: checks that the program ends with this status and prints each line of TEXT.
says() {
    local status=$1 text=$2 line said
    shift 2
    said=$("$@" 2>&1 | tr -d '\0')
    [ $? -eq "$status" ] || fail "$* did not end with $status, but printed: $said"
    while read -r line; do
        [[ $said == *"$line"* ]] || fail "$* did not print \"$line\", but: $said"
    done <<<"$text"
}

# all STATUS TEXT: checks all programs that take the first card.
all() {
    says "$1" "$2" "$work/attach"
    says "$1" "$2" "${python[@]}" "$work/attach.py"
    says "$1" "$2" "$programs/attach"
    says "$1" "$2" "$programs/tree"
}

# block LANGUAGE N: prints the Nth block of this language in the README.
block() {
    awk -v begin="\`\`\`$1" -v number="$2" '
        $0 == "```" { inside = 0 }
        inside { print }
        $0 == begin { inside = ++blocks == number }' "$readme"
}

compile() {
    "$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$source/include" "$work/attach.c" -L"$library" -lscm \
        -o "$work/attach" || { echo "FAILED: the program of the README does not compile"; exit 1; }
}

if [ -z "${SCM_WORLD:-}" ]; then
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
    export work
    block c 1 >"$work/attach.c"
    block python 1 >"$work/attach.py"
    compile
    for world in service refused reader; do
        SCM_WORLD=$world "$stack" run --readers 1 -- "$0" "$@" || failures=$((failures + 1))
    done
    exit "$failures"
fi

python=(python3)
reader=$("$stack" tell ifd 0)
reader=${reader#ok }
case $SCM_WORLD in
service)
    tell daemon stop
    none='not running
sudo systemctl start pcscd.socket'
    all 1 "$none
SCM_SCARD_S_NO_SERVICE"
    says 1 "$none
SCM_SCARD_E_NO_SERVICE" "$programs/cat" "$reader" 3F00
    says 1 "$none
SCM_SCARD_E_NO_SERVICE" "$programs/tree" "$reader"
    tell daemon start
    ;;
refused) # as pcscd does if polkit refuses
    export LD_LIBRARY_PATH=$refusing:$library
    all 1 'Access was denied
olkit does not let you use
SCM_SCARD_W_SECURITY_VIOLATION'
    says 1 'olkit does not let you use' "$programs/cat" "$reader" 3F00
    ;;
reader)
    all 1 "$reader: No card is in the reader. Put one in.
SCM_SCARD_E_NO_SMARTCARD"
    says 1 'Put one in' "$programs/cat" "$reader" 3F00
    says 1 "No reader has this name.
    $reader" "$programs/cat" "No such reader" 3F00
    says 1 'No reader has this name' "$programs/tree" "No such reader"
    tell insert 0 scm
    says 0 '6A 82' "$work/attach" # the card does not have the application
    says 0 "$reader 3b" "${python[@]}" "$work/attach.py"
    says 0 '3F00' "$programs/tree"
    says 0 'Hello' "$programs/cat" "$reader" 3F00/5015/4401
    tell hold 0 exclusive
    all 1 'Another application uses the card exclusively.'
    tell release 0 leave
    # The service runs without a reader.
    tell unplug 0
    all 1 'There is no reader. Plug one in.
SCM_SCARD_E_NO_READERS_AVAILABLE'
    says 1 'There is no reader. Plug one in.' "$programs/tree" "No such reader"
    ;;
esac
exit "$failures"
