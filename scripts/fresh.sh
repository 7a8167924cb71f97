#!/usr/bin/env bash
# Runs the demo and the tests on a fresh Debian, in a folder that debootstrap creates, and removes it at the end.
# Packages of this machine do not help there, and hide nothing.
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
usage: scripts/fresh.sh SUITE [--user] [--order ORDER]

Makes a folder with a minimal Debian SUITE (bookworm, trixie, sid), and runs scripts/demo.sh and scripts/test.sh in it.
Needs root or sudo. The folder is in build, for as long as it takes.

  --user           as a user with sudo, rather than as root
  --order ORDER    demo-test, which is the default; test-demo; demo or test alone
  --help           this text
END
}

wrong() {
    usage >&2
    exit 2
}

suite=
user=root
order=demo-test
arguments=("$@")
while [[ $# -gt 0 ]]; do
    case $1 in
    --user) user=$USER_OF_FOLDER ;;
    --order)
        [[ ${2-} =~ ^(demo|test|demo-test|test-demo)$ ]] || wrong
        order=$2
        shift
        ;;
    --help)
        usage
        exit
        ;;
    -*) wrong ;;
    *)
        [[ ! $suite ]] || wrong
        suite=$1
        ;;
    esac
    shift
done
[[ $suite ]] || wrong
[[ $suite =~ ^($SUITES)$ ]] || die "this is none of $SUITES: $suite"
become_root "${arguments[@]}"

make_scratch "fresh-$suite"

for script in ${order/-/ }; do
    tally "$suite, $user: scripts/$script.sh" in_folder "$scratch" "$suite" "$user" "scripts/$script.sh"
done
tell_tally
