#!/bin/sh
# extract.sh INCLUDE FOLDER: writes the examples in the headers of a folder to FOLDER/NAME.c. They stand between @code
# and @endcode. NAME is that of the group, and first_program in the opening comment of scm.h.
set -eu
include=$1 folder=$2
mkdir -p "$folder"
for header in scm scm_virtual scm_provider; do
    awk -v folder="$folder" '
        BEGIN { name = "first_program" }
        $2 == "@defgroup" { name = $3 }
        / \* @code$/ { file = folder "/" name ".c"; printf "" > file; next }
        / \* @endcode$/ { close(file); file = ""; next }
        file != "" { sub(/^ \* ?/, ""); print >> file }
    ' "$include/$header.h"
done
