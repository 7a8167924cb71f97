#!/bin/bash
# Checks a stack inside a folder that is mounted as the root, like the folders of debootstrap: another program holds a
# card.
#
#     bound_folder.sh PATH/scm-stack
#
# The folder is the machine's own root, so that nothing must be installed. The mount ends with its namespace, which this
# shell keeps: the stack creates another one, and the kernel checks where it came from.
set -euo pipefail

# Only root may create just a mount namespace, and inside a folder nobody may create a user namespace.
as_root=()
[[ $EUID -eq 0 ]] || as_root=(--user --map-root-user)
stack=$(realpath "${1:?the path of scm-stack}")
unshare "${as_root[@]}" --mount bash -euc 'mount --rbind / /mnt; chroot /mnt "$@"; exit' bash \
    "$stack" run --readers 1 -- bash -euc '
        "$0" tell insert 0 scm
        "$0" tell hold 0 exclusive
        "$0" tell release 0 leave' "$stack"
