# shellcheck shell=bash
# Common to the scripts: installation of missing packages on Debian. To be sourced.

# The library and all tests build with the first version; the OpenPGP card of the tests needs the second one.
RUST=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
RUST_OF_OPENPGP=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' crates/openpgp-card/Cargo.toml)

# clippy must pass from this version on.
# shellcheck disable=SC2034 # for scripts that source this
RUST_OF_LINTS=1.95

# The packages of all tests.
# shellcheck disable=SC2034 # for scripts that source this
PACKAGES_OF_TESTS=(pcscd vsmartcard-vpcd libpcsclite-dev pkg-config cmake make gcc g++ libc6-dev binutils clang
    libclang-dev libcmocka-dev opensc pcsc-tools python3 python3-cffi luajit bindgen valgrind abigail-tools meson
    ninja-build autoconf automake doxygen graphviz mandoc groff-base man-db)

say() {
    printf '== %s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Installs the given Debian packages that are missing.
need_packages() {
    local package missing=()
    for package; do
        is_installed "$package" || missing+=("$package")
    done
    [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
}

is_installed() {
    [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Nothing is ever removed: a conflict needs a decision of the user.
install_packages() {
    say "Installing $*"
    become_able_to_install "$*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-remove --no-install-recommends "$@" ||
        die "apt-get did not install $*"
}

# Ends the script if nothing can be installed, and prints what is missing. Updates the package lists once: a fresh
# machine knows no package.
become_able_to_install() {
    command -v apt-get >/dev/null || die "missing, and this is no Debian to install it on: $1"
    [[ $EUID -eq 0 ]] || command -v sudo >/dev/null ||
        die "missing, and this is not root, nor is there sudo to become it: $1"
    [[ -n ${package_lists_are_new:-} ]] || as_root apt-get update --quiet || say "apt-get update failed; going on"
    package_lists_are_new=yes
}

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Starts the script again as root, with the network settings of this machine.
become_root() {
    local words=()
    [[ $EUID -ne 0 ]] || return 0
    mapfile -t words < <(environment_of_network)
    exec sudo env "HOME=$HOME" "CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}" "${words[@]}" "$PWD/scripts/${0##*/}" "$@"
}

# The files of the tree as an archive, without those of builds.
copy_of_tree() {
    tar --create --exclude=./{target,build,vendor,.cargo,.git,fuzz/target} --exclude=__pycache__ .
}

# Proxies, and the registry settings of cargo.
environment_of_network() {
    # Most machines have none of these, and grep calls that a failure.
    env | grep -E '^((https?|all|no)_proxy|(HTTPS?|ALL|NO)_PROXY|CARGO_(HTTP|NET|REGISTR|SOURCE)[A-Z_]*)=' || true
}

# The first mirror in the lists of apt.
mirror_of_debian() {
    # shellcheck disable=SC2016 # apt fills it in
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p
}

# Puts a cargo and a rustc on the PATH: the present ones, or else Debian's, if they are new enough for the library.
# Every script chooses the same, in any order.
need_rust() {
    find_rust "$RUST_OF_OPENPGP" || find_rust "$RUST" || install_rust "$RUST_OF_OPENPGP" || install_rust "$RUST" ||
        die "needs Rust $RUST or newer, and Debian has none for this machine: see https://rustup.rs"
    need_certificates
}

# Installs a Rust of at least this version. If Debian's own is too old, there is the one for browsers.
install_rust() {
    local wanted=$1 suffix
    become_able_to_install "cargo and rustc $wanted or newer"
    for suffix in '' -web; do
        if has_candidate "rustc$suffix" "$wanted" && has_candidate "cargo$suffix" "$wanted"; then
            install_packages "rustc$suffix" "cargo$suffix"
            find_rust "$wanted" && return
        fi
    done
    return 1
}

# The certificates for cargo's registry. Debian's cargo only recommends them.
need_certificates() {
    [[ -e /etc/ssl/certs/ca-certificates.crt || ${SSL_CERT_FILE:-}${CARGO_HTTP_CAINFO:-} ]] ||
        ! command -v apt-get >/dev/null || need_packages ca-certificates
}

# True if the Rust of need_rust builds the OpenPGP card of the tests.
builds_openpgp_card() {
    is_recent "$(command -v rustc)" "$RUST_OF_OPENPGP"
}

# Adds cargo fmt and cargo clippy to the Rust of need_rust.
need_rust_tools() {
    has_rust_tools && return
    if is_installed rustc-web; then
        need_packages rustfmt-web rust-web-clippy
    elif is_installed rustc; then
        need_packages rustfmt rust-clippy
    else
        rustup component add rustfmt clippy
    fi
    has_rust_tools || die "$(command -v cargo) has no fmt or no clippy, and none could be installed"
}

has_rust_tools() {
    cargo fmt --version &>/dev/null && cargo clippy --version &>/dev/null
}

# Puts the first cargo and rustc that are new enough in front of the PATH.
find_rust() {
    local directory
    for directory in "$(dirname "$(command -v cargo)")" "${CARGO_HOME:-${HOME:-}/.cargo}/bin" /usr/bin; do
        if is_recent "$directory/cargo" "$1" && is_recent "$directory/rustc" "$1"; then
            PATH=$directory:$PATH
            return
        fi
    done
    return 1
}

# True if the program prints "name VERSION ...", and VERSION is at least this.
is_recent() {
    local name version rest
    [[ -x $1 ]] || return 1
    # shellcheck disable=SC2034 # name and rest only take their places
    read -r name version rest < <("$1" --version 2>/dev/null) || return 1
    printf '%s\n' "$2" "$version" | sort --check=quiet --version-sort
}

# True if the package can be installed in at least this version.
has_candidate() {
    local candidate
    candidate=$(apt-cache policy "$1" | sed -n 's/^ *Candidate: //p')
    [[ -n $candidate && $candidate != '(none)' ]] && dpkg --compare-versions "$candidate" ge "$2"
}

# Runs a command that creates namespaces: as root if the user may not create any, as in a folder entered by chroot, or
# if the kernel forbids it. Files that root created in the tree then become the user's.
with_namespaces() {
    local status=0
    if [[ $EUID -eq 0 ]] || unshare --user --map-root-user --mount --net true 2>/dev/null; then
        "$@"
        return
    fi
    as_root env "PATH=$PATH" "HOME=${HOME:-}" "$@" || status=$?
    as_root chown --recursive "$EUID" build "${target:-build}"
    return "$status"
}
