#!/usr/bin/env bash
# Builds and installs libscm twice, from copies of the tree in two folders, with vendored crates and without network,
# and compares each installed file.
#
#     scripts/reproducible.sh
set -euo pipefail

cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

need_packages "${PACKAGES_OF_TESTS[@]}"
need_rust
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build FOLDER
build() {
    mkdir -p "$1/tree"
    tar -x -C "$1/tree" -f "$work/tree.tar"
    (
        cd "$1/tree"
        mkdir .cargo
        cargo vendor --locked --quiet vendor >.cargo/config.toml
        CARGO_NET_OFFLINE=true cmake -S . -B build/package -DSCM_BUILD_TESTS=OFF -DSCM_CARGO="$(command -v cargo)" \
            -DSCM_RUSTC="$(command -v rustc)" -DCMAKE_INSTALL_PREFIX=/usr >/dev/null
        CARGO_NET_OFFLINE=true cmake --build build/package
        DESTDIR=$1/installed cmake --install build/package --strip >/dev/null
    )
}

# The files of the tree, without those of builds. Both copies are those of now.
tar -c --exclude=./target --exclude=./build --exclude=./.git -f "$work/tree.tar" .
for folder in "$work/one" "$work/another one/with a longer path"; do
    say "Building in $folder"
    build "$folder"
done

failed=0
hashes() {
    (cd "$1/installed" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
}
diff <(hashes "$work/one") <(hashes "$work/another one/with a longer path") || failed=1
if grep -rl "$work" "$work/one/installed"; then
    echo "These files name the folder that they were built in."
    failed=1
fi
[[ $failed -eq 0 ]] || die "the two builds differ"
say "Both builds are the same, $(find "$work/one/installed" -type f | wc -l) files"
