#!/bin/sh
# examples_cpp.sh FOLDER INCLUDE: compiles each example of scm.hpp (extract_cpp.sh) alone, as it is.
set -eu
folder=$1 include=$2

count=$(find "$folder" -name '*.cpp' | wc -l)
[ "$count" -eq "$(grep -c '@code' "$include/scm.hpp")" ] && [ "$count" -gt 5 ] || {
    echo "examples_cpp.sh: $count examples" >&2
    exit 1
}
for example in "$folder"/*.cpp; do
    for standard in 17 20; do
        "$CXX" "-std=c++$standard" -Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$include" "$example"
    done
done
