#!/usr/bin/env bash
# What libscm alone costs: instructions and heap allocations per call, on a PC/SC library that does nothing.
#
# Wants what build.sh builds. Fails when a transmit costs more than it may.
set -euo pipefail
shopt -s inherit_errexit

cd "$(dirname "$0")/.."
directory=$(realpath "${CARGO_TARGET_DIR:-target}")/bench
export LD_LIBRARY_PATH=$directory/nothing

few=1000
many=3000

# The number that valgrind says behind $1, run with the options in $2 on the benchmark with the other arguments.
valgrind_says() {
    local words=$1 options=$2
    shift 2
    # shellcheck disable=SC2086 # several options
    valgrind --log-file="$directory/valgrind.log" $options "$directory/bench" nothing "$@"
    sed -n "s/.*$words *\([0-9,]*\).*/\1/p" "$directory/valgrind.log" | tr -d ,
}

instructions() {
    valgrind_says 'Collected :' "--tool=callgrind --callgrind-out-file=$directory/callgrind.out" "$@"
}

allocations() {
    valgrind_says 'total heap usage:' '--tool=memcheck --leak-check=no' "$@"
}

# Of two runs of different length, so that the start and the end of the program cancel.
per_call() {
    local count=$1 side=$2 operation=$3 short long
    short=$("$count" "$side" "$operation" $few)
    long=$("$count" "$side" "$operation" $many)
    echo $(((long - short) / (many - few)))
}

measure() {
    local operation=$1 direct libscm
    direct=$(per_call instructions direct "$operation")
    libscm=$(per_call instructions libscm "$operation")
    added=$((libscm - direct))
    heap=$(per_call allocations libscm "$operation")
    printf '%-14s %8d %8d %8d %8d\n' "$operation" "$direct" "$libscm" "$added" "$heap"
}

printf '%-14s %8s %8s %8s %8s\n' instructions direct libscm added heap
for operation in attach+detach reconnect lock+unlock status transmit; do
    measure "$operation"
done
echo "libscm adds $added instructions and $heap heap allocations per transmit (aim: under 300, and none)"
((added < 300 && heap == 0))
