#!/bin/sh
# examples.sh FOLDER INCLUDE...: compiles each example of the headers (extract.sh), as it is, as C and as C++.
set -eu
folder=$1
shift
flags=
groups=0
for include; do
    flags="$flags -I$include"
    groups=$((groups + $(cat "$include"/*.h | grep -c '@defgroup')))
done

# One for each group, and the program in the opening comment.
count=$(find "$folder" -name '*.c' | wc -l)
[ "$count" -eq $((groups + 1)) ] || {
    echo "examples.sh: $count examples for $groups groups" >&2
    exit 1
}
for example in "$folder"/*.c; do
    for compiler in "$CC -std=c99" "$CXX -x c++ -std=c++11"; do
        # shellcheck disable=SC2086 # a compiler and its options; folders without blanks
        $compiler -Wall -Wextra -Wpedantic -Werror -Wno-unused-function -fsyntax-only $flags "$example" || {
            cat "$example" >&2
            exit 1
        }
    done
done
