#!/bin/bash
# The reference can be built without a warning and has no fault, and faults are found: reference.sh SOURCE WORK.
set -euo pipefail
source=$1 work=$2

fail() {
    echo "$*" >&2
    exit 1
}

# Everything that the reference is made of, to be changed.
copy() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/crates/card" "$work/tree/c-tests"
    cp -r "$source"/{CHANGELOG.md,Cargo.toml,docs,examples,include} "$work/tree"
    cp -r "$source"/crates/card/{README.md,include} "$work/tree/crates/card"
    cp "$source"/c-tests/exports*.txt "$work/tree/c-tests"
}

# change FILE SED-SCRIPT COMPLAINT
# Makes a fault. `expect_faults` looks for its complaint.
complaints=()
change() {
    cp "$1" "$work/before"
    sed -i "$2" "$1"
    ! cmp --silent "$1" "$work/before" || fail "sed has changed nothing in $1: $2"
    complaints+=("$3")
}

# expect_faults COMMAND...
# The command fails, and prints all complaints.
expect_faults() {
    local complaint
    ! "$@" >"$work/said" 2>&1 || fail "no fault: $*"
    for complaint in "${complaints[@]}"; do
        grep --quiet --fixed-strings -- "$complaint" "$work/said" || fail "no '$complaint' in: $(cat "$work/said")"
    done
    complaints=()
}

mkdir -p "$work"
copy
build=$work/tree/docs/reference/build.sh
check=$work/tree/docs/reference/check.py
man=$work/reference/man/man3
html=$work/reference/html

"$build" "$work/reference"
python3 "$check" "$work/reference"

change "$work/tree/c-tests/exports.txt" '/^scm_lock$/d' "scm_lock: exported, or"
change "$work/tree/c-tests/exports.txt" 's/^SCM_IID_CARD_AUTH$/SCM_IID_OTHER/' "SCM_IID_OTHER: data without"
change "$man/scm_lock.3" '/^.SH THREADS/d' "scm_lock.3: its sections"
change "$man/scm_lock.3" 's/scm_unlock/scm_relock/' "there is no scm_relock"
change "$man/scm_transmit.3" 's/\\fBscm_control\\fR(3),//' "SEE ALSO lacks ['scm_control']"
change "$man/scm_send.3" 's/^\.TP/.XX/' "scm_send.3"
change "$man/scm_handle.3" 's/attachments/locks/' "scm_handle.3: it leads to"
change "$html/index.html" 's/group__scm__locks.html/group__scm__keys.html/' "no file group__scm__keys"
for page in $(grep --files-with-matches page_files_md.html "$html"/*.html | grep --invert-match page_files_md.html); do
    change "$page" '/page_files_md.html/d' "page_files_md.html: no page leads"
done
change "$html/page_files_md.html" 's/id="page_files_md_a_sim"//' "no place page_files_md.html#page_files_md_a_sim"
expect_faults python3 "$check" "$work/reference"

change "$work/tree/include/scm.h" 's/@param ifd_name  the name/@param name  the name/' "argument 'name' of command"
change "$work/tree/docs/files.md" 's/(#a-sim)/(#a-card)/' "page_files_md_a_card"
expect_faults "$build" "$work/faulty"
