#!/bin/sh
# extract_cpp.sh HEADER FOLDER: writes the examples in scm.hpp to FOLDER/01.cpp, 02.cpp, ... They stand between @code
# and @endcode. FOLDER/all.hpp has all of them, in order; the first one is a program.
set -eu
header=$1 folder=$2
mkdir -p "$folder"
awk -v folder="$folder" '
    / \* @code$/ { file = sprintf("%s/%02d.cpp", folder, ++count); printf "" > file; next }
    / \* @endcode$/ { close(file); file = ""; next }
    file != "" { sub(/^ \* ?/, ""); print >> file }
' "$header"
for example in "$folder"/*.cpp; do
    echo "#include \"$example\""
done >"$folder/all.hpp"
