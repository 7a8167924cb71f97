#!/usr/bin/env bash
# The steps of scripts/deb.sh, in the folders of that Debian, as root: scripts/package.sh STEP USER
# The source package is in the folder "source" of the user.
set -euo pipefail

cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=scripts/tally.sh
source scripts/tally.sh

step=$1 user=$2
home=/home/$user
folders=("$home/one" "$home/another/with.a-longer_path")

as_user() {
    setpriv --reuid "$user" --regid "$user" --init-groups env "HOME=$home" "USER=$user" "$@"
}

# Everything that a build of the packages needs, and lintian. apt-get reads packaging/debian/control, and knows its
# alternatives.
prepare() {
    need_packages ca-certificates dpkg-dev lintian python3 xz-utils
    DEBIAN_FRONTEND=noninteractive apt-get build-dep --yes --quiet --no-install-recommends ./packaging
}

# Without network, in two folders at once: cargo and the linker leave a processor free. The second one has another time
# zone, language and umask.
build() {
    local first second failed=0
    build_in "${folders[0]}" &
    first=$!
    (umask 0027 && TZ=Pacific/Kiritimati LC_ALL=C build_in "${folders[1]}") &
    second=$!
    wait "$first" || failed=1
    wait "$second" || failed=1
    tail -n 40 "${folders[0]}/log"
    [[ $failed -eq 0 ]] || tail -n 40 "${folders[1]}/log"
    return $failed
}

build_in() {
    # shellcheck disable=SC2016 # the inner shell expands them
    as_user unshare --user --map-current-user --net bash -euc '
        mkdir -p "$1"
        cd "$1"
        dpkg-source --extract ~/source/*.dsc tree >log
        cd tree
        dpkg-buildpackage -us -uc -b >>../log 2>&1' build "$1"
}

# Both builds gave the same packages, which do not name the folder.
compare() {
    local package different=0 content
    content=$(mktemp -d)
    for package in "${folders[0]}"/*.deb; do
        cmp "$package" "${folders[1]}/${package##*/}" || different=1
        dpkg-deb --extract "$package" "$content/${package##*/}"
    done
    if grep --recursive --fixed-strings "$home" "$content"; then
        echo "These files name the folder that they were built in."
        different=1
    fi
    rm -r "$content"
    echo "${#folders[@]} builds, $(find "${folders[0]}" -name '*.deb' | wc -l) packages"
    return $different
}

# An older lintian does not know the newer policy, and says so.
lint() {
    cd "$home"
    as_user lintian --fail-on error,warning --info --suppress-tags newer-standards-version one/*.changes source/*.dsc
}

# Installs the packages, runs their tests as autopkgtest does, and removes them.
try() {
    local packages needed tests name archives=() before after
    mapfile -t packages < <(names_of_packages)
    mapfile -t needed < <(needed_by_tests)
    mapfile -t tests < <(sed -n 's/^Tests: //p' packaging/debian/tests/control)
    install_packages iproute2 libpcsclite1 "${needed[@]}"
    before=$(mktemp)
    after=$(mktemp)
    files >"$before"
    for name in "${packages[@]}"; do
        archives+=("$home/packages/${name}_"*.deb)
    done
    tally "installation" apt-get install --yes --quiet --no-install-recommends "${archives[@]}"
    for name in "${tests[@]}"; do
        tally "test: $name" run_test "$name"
    done
    tally "removal" apt-get remove --yes --quiet "${packages[@]}"
    tally "purge" dpkg --purge "${packages[@]}"
    files >"$after"
    tally "no file is left" diff "$before" "$after"
    tell_tally
}

names_of_packages() {
    sed -n 's/^Package: //p' packaging/debian/control
}

# The packages that the tests depend on, without those of libscm.
needed_by_tests() {
    sed -n '/^Depends:/,/^[^D ]/{s/^Depends://;/^ /p}' packaging/debian/tests/control | tr -s ' ,' '\n' |
        grep --line-regexp --invert-match --fixed-strings --file=<(names_of_packages) | sed '/^$/d' | sort -u
}

# run_test NAME
# With a network of its own: vpcd listens on a port.
run_test() {
    # shellcheck disable=SC2016 # the inner shell expands them
    unshare --net bash -euo pipefail -c '
        ip link set lo up
        AUTOPKGTEST_TMP=$(mktemp -d)
        export AUTOPKGTEST_TMP
        "packaging/debian/tests/$1"
        rm -r "$AUTOPKGTEST_TMP"' run_test "$1"
}

# Each file of the system, without lists and caches of its tools.
files() {
    find / -xdev \( -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/log -o -path /tmp \
        -o -path /home -o -path /root -o -path /run \) -prune -o -print | LC_ALL=C sort
    dpkg --get-selections
}

"$step"
