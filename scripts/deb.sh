#!/usr/bin/env bash
# Makes the Debian packages on a fresh Debian and tests them on another one, in folders that debootstrap creates and
# this script removes:
#   - the source package, with vendored crates,
#   - two builds of it without network, which give the same packages,
#   - lintian, without an error or a warning,
#   - an installation: the tests of packaging/debian/tests, and the removal, which leaves no file.
set -euo pipefail

cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=scripts/folder.sh
source scripts/folder.sh
# shellcheck source=scripts/tally.sh
source scripts/tally.sh

usage() {
    cat <<END
usage: scripts/deb.sh [SUITE]

Makes and tests the Debian packages for SUITE (bookworm, trixie, sid), which is trixie if none is given. Needs root or
sudo. The packages are in build/deb/SUITE afterwards.
END
}

suite=${1:-trixie}
if [[ $suite == --help ]]; then
    usage
    exit
fi
[[ $# -le 1 ]] || { usage >&2 && exit 2; }
[[ $suite =~ ^($SUITES)$ ]] || die "this is none of $SUITES: $suite"
become_root "$@"

make_scratch "deb-$suite"
builder=$scratch/builder user=$scratch/user results=build/deb/$suite

# step FOLDER NAME
step() {
    in_folder "$1" "$suite" root scripts/package.sh "$2" "$USER_OF_FOLDER"
}

make_source() {
    in_folder "$builder" "$suite" "$USER_OF_FOLDER" scripts/source.sh ../source
}

hand_out_packages() {
    rm -rf "$results" && mkdir -p "$results" "$user/home/$USER_OF_FOLDER/packages" &&
        cp "$builder/home/$USER_OF_FOLDER"/{source/*,one/*.{deb,changes,buildinfo}} "$results" &&
        cp "$results"/*.deb "$user/home/$USER_OF_FOLDER/packages"
}

in_folder "$builder" "$suite" "$USER_OF_FOLDER" true
cp --archive "$builder" "$user"
tally "$suite: what a build needs" step "$builder" prepare
tally "$suite: the source package" make_source
tally "$suite: two builds without network" step "$builder" build
tally "$suite: the builds are the same" step "$builder" compare
tally "$suite: lintian" step "$builder" lint
tally "$suite: the packages for a user" hand_out_packages
tally "$suite: the packages on a fresh Debian" step "$user" try
tell_tally
