#!/usr/bin/env bash
# The cost of libscm alone: instructions and heap allocations per call, on a PC/SC library that does nothing.
#
# It needs the results of build.sh. It fails if a transmit costs more than allowed.
set -euo pipefail
shopt -s inherit_errexit

cd "$(dirname "$0")/.."
directory=$(realpath "${CARGO_TARGET_DIR:-target}")/bench
export LD_LIBRARY_PATH=$directory/nothing

few=1000
many=3000

# Prints the number that valgrind reports after $1. $2 has the options of valgrind, the other arguments are for the
# benchmark.
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

# The difference of two runs of different length, so that start and end of the program cancel out.
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
