#!/usr/bin/env bash
# Makes the Debian source package, which a build needs no network for: scripts/source.sh FOLDER
#
# The archives are the tree, the vendored crates, and packaging/debian. They depend on nothing but the tree.
set -euo pipefail

[[ $# -eq 1 ]] || { echo "usage: $0 FOLDER" >&2 && exit 2; }
mkdir -p "$1"
output=$(realpath "$1")
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

need_packages dpkg-dev python3 xz-utils
need_rust
changelog() {
    dpkg-parsechangelog --file packaging/debian/changelog --show-field "$1"
}
version=$(changelog Version)
version=${version%-*}
[[ $version == "$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)" ]] ||
    die "packaging/debian/changelog and Cargo.toml have different versions"

# archive NAME TAR-ARGUMENT...
archive() {
    tar --create --sort=name --owner=root:0 --group=root:0 --mode=go=rX,u+rw \
        --mtime="@$(changelog Timestamp)" "${@:2}" |
        xz --threads=1 -3 >"$output/libscm_$version.$1.tar.xz"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/libscm-$version
mkdir "$tree"
copy_of_tree | tar --extract --directory "$tree"
archive orig --directory "$work" "libscm-$version"
# packaging/debian/cargo has the settings.
scripts/vendor.py "$tree/vendor" >/dev/null
archive orig-vendor --directory "$tree" vendor
cp -r packaging/debian "$tree/debian"
cd "$output"
dpkg-source --build "$tree"
