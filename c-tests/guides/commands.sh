#!/bin/bash
# Runs the commands and the Python programs of a guide, with an installed library and a card in the first reader.
#
#     commands.sh PATH/scm-stack BUILD PYTHON TREE GUIDE
#
# The library is that of the BUILD, installed into a folder of the test. A stack has the reader, and the daemon of the
# machine is not used.
set -euo pipefail

stack=$1 build=$2 python=$3 tree=$4 guide=$5
CMAKE=${CMAKE:-cmake}

if [ -z "${SCM_GUIDE_PREFIX:-}" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$CMAKE" --install "$build" --prefix "$work/usr" >/dev/null
    SCM_GUIDE_PREFIX=$work/usr "$stack" run --readers 1 -- "$0" "$@"
    exit
fi

prefix=$SCM_GUIDE_PREFIX
lib=$(dirname "$(find "$prefix" -name libscm.so)")
"$stack" tell insert 0 scm >/dev/null
export LC_ALL=C LD_LIBRARY_PATH=$lib PKG_CONFIG_PATH=$lib/pkgconfig CMAKE_PREFIX_PATH=$prefix PATH=$prefix/bin:$PATH
"$python" "$tree/c-tests/guides/guides.py" run "$tree" "$prefix/../guides" "$guide"
