#!/bin/bash
# Runs a program with a libscm in a folder that holds only what both need, mounted as the root. There is no libpcsclite.
#
#     without_pcsc.sh PROGRAM LIBRARY SONAME
#
# The program may name libscm by its soname only. The folder is removed at the end.
set -euo pipefail

program=$1 library=$2 soname=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/lib"
cp "$library" "$folder/lib/$soname"
cp "$program" "$folder/program"
# The loader keeps its path, which the program names; the other libraries of the system stand in one folder.
needed=$(ldd "$library" "$program" | grep -o '/[^ ]*' | grep -v ':$' | sort -u)
for file in $needed; do
    case $file in
    */libscm.* | */libpcsclite.*) ;; # the program was linked beside an ordinary libscm
    */ld-*) mkdir -p "$folder$(dirname "$file")" && cp -L "$file" "$folder$file" ;;
    *) cp -L "$file" "$folder/lib/" ;;
    esac
done
[ -z "$(find "$folder" -name '*pcsc*')" ] || { echo "the folder has a libpcsclite"; exit 1; }

as_root=()
[[ $EUID -eq 0 ]] || as_root=(--user --map-root-user)
unshare "${as_root[@]}" --mount env LD_LIBRARY_PATH=/lib chroot "$folder" /program
