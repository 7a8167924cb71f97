#!/usr/bin/env bash
# Follows the recipe of docs/ci.md on a fresh Debian, in a folder that debootstrap creates and this script removes: its
# install.sh as root, and its test.sh as a user without rights, without pcscd and libpcsclite.
set -euo pipefail

cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=scripts/folder.sh
source scripts/folder.sh

suite=${1:-trixie}
[[ $# -le 1 && $suite =~ ^($SUITES)$ ]] || { echo "usage: scripts/recipe.sh [SUITE]" >&2 && exit 2; }
become_root "$@"

make_scratch "recipe-$suite"

# shellcheck disable=SC2016 # the shell in the folder expands them
in_folder "$scratch" "$suite" root bash -euo pipefail -c '
    source scripts/lib.sh
    need_packages python3
    python3 c-tests/guides/guides.py extract . /srv
    ln -s "$PWD" /srv/ci/libscm
    cd /srv/ci
    sh install.sh
    chmod 777 .
    ! compgen -G "/usr/lib/*/libpcsclite.*" || die "libpcsclite is there"
    exec setpriv --reuid nobody --regid nogroup --clear-groups sh test.sh'
