#!/bin/bash
# A stack works in a folder that is mounted to be the root, as folders made by debootstrap are: another program holds a card.
#
#     bound_folder.sh PATH/scm-stack
#
# The folder is the machine's own root, so that nothing has to be installed in it. The mount ends with its namespace, which
# this shell keeps: the stack makes another one for itself, and where it came from is what the kernel goes by.
set -euo pipefail

# Only root may make a namespace of mounts alone, and inside of a folder nobody may make one of users.
as_root=()
[[ $EUID -eq 0 ]] || as_root=(--user --map-root-user)
stack=$(realpath "${1:?the path of scm-stack}")
unshare "${as_root[@]}" --mount bash -euc 'mount --rbind / /mnt; chroot /mnt "$@"; exit' bash \
    "$stack" run --readers 1 -- bash -euc '
        "$0" tell insert 0 scm
        "$0" tell hold 0 exclusive
        "$0" tell release 0 leave' "$stack"
