#!/bin/bash
# Runs the commands and the Python programs of a guide, with an installed library and a card in the first reader.
#
#     commands.sh PATH/scm-stack BUILD PYTHON TREE GUIDE
#
# The library is that of the BUILD, installed into a folder of the test. A stack has the reader, and the daemon of the
# machine is not used. For the guide to CI there is neither: only a user without rights, as in a container.
set -euo pipefail

stack=$1 build=$2 python=$3 tree=$4 guide=$5
CMAKE=${CMAKE:-cmake}

if [ -z "${SCM_GUIDE_PREFIX:-}" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$CMAKE" --install "$build" --prefix "$work/usr" >/dev/null
    export SCM_GUIDE_PREFIX=$work/usr
    if [ "$guide" != docs/ci.md ]; then
        "$stack" run --readers 1 -- "$0" "$@"
        exit
    fi
    [ "$EUID" -ne 0 ] || as_nobody=(setpriv --reuid nobody --regid nogroup --clear-groups)
    mkdir "$work/guides"
    chmod -R go=u-w "$work"
    chmod 777 "$work/guides"
    HOME=$work/guides PCSCLITE_CSOCK_NAME=$work/no-daemon ${as_nobody[@]+"${as_nobody[@]}"} "$0" "$@"
    exit
fi

prefix=$SCM_GUIDE_PREFIX
lib=$(dirname "$(find "$prefix" -name libscm.so)")
[ "$guide" = docs/ci.md ] || "$stack" tell insert 0 scm >/dev/null
export LC_ALL=C LD_LIBRARY_PATH=$lib PKG_CONFIG_PATH=$lib/pkgconfig CMAKE_PREFIX_PATH=$prefix PATH=$prefix/bin:$PATH
"$python" "$tree/c-tests/guides/guides.py" run "$tree" "${prefix%/*}/guides" "$guide"
