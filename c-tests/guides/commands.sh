#!/bin/bash
# Runs the commands and the Python programs of a guide, with an installed library and a card in the first reader.
#
#     commands.sh PATH/scm-stack PREFIX PYTHON TREE GUIDE
#
# The library is installed in PREFIX. A stack has the reader, and the daemon of the machine is not used. For the guide
# to CI there is neither, and no right of root: as in a container.
set -euo pipefail

stack=$1 prefix=$2 python=$3 tree=$4 guide=$5

if [ -z "${SCM_GUIDE_WORK:-}" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    export SCM_GUIDE_WORK=$work
    if [ "$guide" != docs/ci.md ]; then
        "$stack" run --readers 1 -- "$0" "$@"
        exit
    fi
    # Another user might not be able to read this tree.
    [ "$EUID" -ne 0 ] || without_rights=(setpriv --no-new-privs --bounding-set=-all --inh-caps=-all)
    PCSCLITE_CSOCK_NAME=$work/no-daemon ${without_rights[@]+"${without_rights[@]}"} "$0" "$@"
    exit
fi

lib=$(dirname "$(find "$prefix" -name libscm.so)")
[ "$guide" = docs/ci.md ] || "$stack" tell insert 0 scm >/dev/null
export LC_ALL=C LD_LIBRARY_PATH=$lib PKG_CONFIG_PATH=$lib/pkgconfig CMAKE_PREFIX_PATH=$prefix
# scmctl is built beside the stack.
export PATH=$prefix/bin:$(dirname "$stack"):$PATH
"$python" "$tree/c-tests/guides/guides.py" run "$tree" "$SCM_GUIDE_WORK" "$guide"
