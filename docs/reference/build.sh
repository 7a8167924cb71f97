#!/bin/bash
# Builds the reference: build.sh OUTPUT makes OUTPUT/html and OUTPUT/man. A warning of doxygen is an error.
set -euo pipefail
[[ $# -eq 1 ]] || { echo "usage: $0 OUTPUT" >&2; exit 2; }
output=$(realpath --canonicalize-missing "$1")
cd "$(dirname "$0")/../.."

SCM_VERSION=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
# A build of a package has its date from the environment, so that two builds are equal.
date=$(date --utc --date="@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%F)

# Only the results of an earlier build go.
rm -rf "$output/html" "$output/xml" "$output/man" "$output/warnings"
mkdir -p "$output"
SCM_VERSION=$SCM_VERSION SCM_OUTPUT=$output doxygen docs/reference/Doxyfile 2>"$output/warnings"
if [[ -s $output/warnings ]]; then
    cat "$output/warnings" >&2
    exit 1
fi
for picture in docs/pictures/*.dot; do
    dot -Tsvg "$picture" -o "$output/html/$(basename "$picture" .dot).svg"
done
python3 docs/reference/manual.py "$output/xml" "$output/man" "$SCM_VERSION" "$date"
rm -r "$output/xml"
