#!/bin/sh
# extract.sh FOLDER HEADER...: writes the examples in the headers to FOLDER/NAME.c. They stand between @code and
# @endcode. NAME is that of the group, and first_program in the opening comment of scm.h.
set -eu
folder=$1
shift
mkdir -p "$folder"
for header; do
    awk -v folder="$folder" '
        BEGIN { name = "first_program" }
        $2 == "@defgroup" { name = $3 }
        / \* @code$/ { file = folder "/" name ".c"; printf "" > file; next }
        / \* @endcode$/ { close(file); file = ""; next }
        file != "" { sub(/^ \* ?/, ""); print >> file }
    ' "$header"
done
