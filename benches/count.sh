# shellcheck shell=bash
# Counts instructions and allocations of a program in the results of build.sh, under valgrind, on a PC/SC library that
# does nothing. A script sources it in the root of the tree.

directory=$(realpath "${CARGO_TARGET_DIR:-target}")/bench
export LD_LIBRARY_PATH=$directory/nothing

few=1000
many=3000

# Prints the number that valgrind reports after $1. $2 has the options of valgrind, the other arguments are a program of
# build.sh and its arguments.
valgrind_says() {
    local words=$1 options=$2 program=$3
    shift 3
    # shellcheck disable=SC2086 # several options
    valgrind --log-file="$directory/valgrind.log" $options "$directory/$program" "$@"
    sed -n "s/.*$words *\([0-9,]*\).*/\1/p" "$directory/valgrind.log" | tr -d ,
}

instructions() {
    valgrind_says 'Collected :' "--tool=callgrind --callgrind-out-file=$directory/callgrind.out" "$@"
}

allocations() {
    valgrind_says 'total heap usage:' '--tool=memcheck --leak-check=no' "$@"
}

# per_call instructions|allocations PROGRAM ARGUMENT...
# The difference of two runs of different length, so that start and end of the program cancel out.
per_call() {
    local count=$1 short long
    shift
    short=$("$count" "$@" $few)
    long=$("$count" "$@" $many)
    echo $(((long - short) / (many - few)))
}
