# shellcheck shell=bash
# A fresh Debian in a folder: debootstrap creates it, and commands run in it as their root. To be sourced after lib.sh,
# by scripts that run as root.
#
# All mounts are in a namespace of the folder. The kernel removes them with the last process in it, however the script
# ends: no mount remains, and the folder can always be removed.

# The user without root rights in the folder.
# shellcheck disable=SC2034 # for scripts that source this
USER_OF_FOLDER=tester

# The releases with a new enough pcscd and Rust.
# shellcheck disable=SC2034 # for scripts that source this
SUITES='bookworm|trixie|forky|sid'

PATH_OF_DEBIAN=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

namespace=

# in_folder FOLDER SUITE USER COMMAND...
# Runs the command in a copy of this tree, as root or as a user with sudo. Creates the folder if necessary.
in_folder() {
    need_packages debootstrap
    # In the background, because bash handles no signal during a command in the foreground.
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --propagation private \
        bash -euo pipefail -c 'source scripts/lib.sh; source scripts/folder.sh; inside "$@"' bash "$@" </dev/null &
    namespace=$!
    local status=0
    wait "$namespace" || status=$?
    namespace=
    return "$status"
}

# Ends all processes in the folder. They end with the first process of their namespace.
leave_folder() {
    local first
    [[ $namespace ]] || return 0
    # It may have ended by itself, and then the file does not exist.
    first=$(<"/proc/$namespace/task/$namespace/children") || true
    # At the start only the process exists that is about to create it.
    first=${first%% *}
    first=${first:-$namespace}
    # A process that has ended meanwhile needs no signal.
    kill -KILL "$first" || true
    # The status is that of the kill.
    wait "$namespace" || true
}

# make_scratch NAME
# Makes a place for folders of Debian, `scratch`, which is removed when the script ends.
make_scratch() {
    mkdir -p build
    scratch=$(mktemp --directory "$PWD/build/$1.XXXXXX")
    trap remove_scratch EXIT
    trap 'exit 1' INT TERM HUP
}

remove_scratch() {
    leave_folder
    rm -rf --one-file-system "$scratch"
}

# The rest runs in the namespaces.

inside() {
    local folder=$1 suite=$2 user=$3 home=/root
    shift 3
    [[ $user == root ]] || home=/home/$user
    [[ -e $folder/etc/debian_version && ! -e $folder/debootstrap ]] || make_folder "$folder" "$suite"
    [[ $user == root ]] || add_user "$folder" "$user"
    hand_over "$folder" "$home"
    copy_tree "$folder" "$home/libscm" "$user"
    local words=()
    mapfile -t words < <(environment_of_network)
    become_root_of "$folder"
    [[ $user == root ]] || need_packages sudo >/dev/null
    exec setpriv --reuid "$user" --regid "$user" --init-groups \
        env -i "${words[@]}" "PATH=$PATH_OF_DEBIAN" LANG=C.UTF-8 "HOME=$home" "USER=$user" \
        bash -c 'cd ~/libscm && exec "$@"' bash "$@"
}

make_folder() {
    local folder=$1 suite=$2 mirror
    # debootstrap mounts its own.
    mirror=$(mirror_of_debian) || mirror=
    mkdir -p "$folder"
    say "Making a fresh $suite in $folder"
    # shellcheck disable=SC2086 # no word where there is none
    debootstrap --variant=minbase "$suite" "$folder" $mirror >"$folder/log" ||
        { tail -n 20 "$folder/log" && die "debootstrap made no $suite"; }
    chmod 755 "$folder"
    rm -f "$folder/log"
}

add_user() {
    local folder=$1 user=$2
    [[ ! -e $folder/home/$user ]] || return 0
    chroot "$folder" useradd --create-home --shell /bin/bash "$user"
    mkdir -p "$folder/etc/sudoers.d"
    echo "$user ALL=(ALL) NOPASSWD: ALL" >"$folder/etc/sudoers.d/$user"
}

# The network settings of this machine: names, proxies, certificates, and the registry of cargo.
hand_over() {
    local folder=$1 home=$2 file
    cp --dereference /etc/resolv.conf "$folder/etc/resolv.conf"
    echo "127.0.0.1 localhost $(uname -n)" >"$folder/etc/hosts"
    mkdir -p "$folder/usr/local/share/ca-certificates" "$folder$home/.cargo"
    for file in /usr/local/share/ca-certificates/*.crt; do
        [[ ! -e $file ]] || cp "$file" "$folder/usr/local/share/ca-certificates"
    done
    for file in "${CARGO_HOME:-${HOME:-}/.cargo}"/config{,.toml}; do
        [[ ! -e $file ]] || cp "$file" "$folder$home/.cargo"
    done
    if command -v apt-config >/dev/null; then
        # Most machines have none of these, and grep calls that a failure.
        apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)' >"$folder/etc/apt/apt.conf.d/90outside" || true
    fi
}

# This tree without its build results. The results of an earlier copy in the folder stay.
copy_tree() {
    local folder=$1 tree=$2 user=$3
    mkdir -p "$folder$tree"
    copy_of_tree | tar --extract --no-same-owner --directory "$folder$tree"
    chroot "$folder" chown --recursive "$user:" "${tree%/*}"
}

# Not with chroot: the kernel allows no user namespaces there, and the stack of the tests needs one.
become_root_of() {
    mount --bind "$1" "$1"
    cd "$1" || return
    mount --types proc proc proc
    mount --rbind /sys sys
    mount --rbind /dev dev
    mount --types tmpfs tmpfs run
    pivot_root . mnt
    umount --lazy /mnt
}
