#!/bin/sh
# examples.sh INCLUDE: compiles the examples in the headers of a folder, in C and in C++: what stands between @code and @endcode.
set -eu
include=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

count=0
for header in scm scm_virtual scm_provider; do
    awk -v prefix="$work/$header" '
        / \* @code$/ { file = sprintf("%s.%d.c", prefix, ++n); next }
        / \* @endcode$/ { close(file); file = ""; next }
        file != "" { sub(/^ \* ?/, ""); print > file }
    ' "$include/$header.h"
    for example in "$work/$header".*.c; do
        {
            printf '#include <stdio.h>\n#include <string.h>\n#include "%s.h"\n' "$header"
            cat "$example"
        } >"$work/example.c"
        for compiler in "$CC -std=c99" "$CXX -x c++ -std=c++11"; do
            # shellcheck disable=SC2086 # a compiler and its options
            $compiler -Wall -Wextra -Wpedantic -Werror -Wno-unused-function -fsyntax-only "-I$include" "$work/example.c" || {
                cat "$example" >&2
                exit 1
            }
        done
        count=$((count + 1))
    done
done

# One for each group, and the program in the opening comment.
groups=$(cat "$include"/*.h | grep -c '@defgroup')
[ "$count" -gt "$groups" ] || {
    echo "examples.sh: $count examples for $groups groups" >&2
    exit 1
}
