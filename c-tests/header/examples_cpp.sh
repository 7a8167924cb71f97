#!/bin/sh
# examples_cpp.sh FOLDER INCLUDE GUIDE: compiles each example of scm.hpp (extract_cpp.sh) alone, as it is, and the
# program of the guide.
set -eu
folder=$1 include=$2 guide=$3

rm -f "$folder/guide.cpp"
count=$(find "$folder" -name '*.cpp' | wc -l)
if [ "$count" -ne "$(grep -c '@code' "$include/scm.hpp")" ] || [ "$count" -lt 5 ]; then
    echo "examples_cpp.sh: $count examples" >&2
    exit 1
fi
awk '/^```cpp$/ && !done { inside = 1; next } /^```$/ && inside { inside = 0; done = 1 } inside' "$guide" \
    >"$folder/guide.cpp"
grep -q 'int main' "$folder/guide.cpp"
for example in "$folder"/*.cpp; do
    "$CXX" -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$include" "$example"
done
