#!/usr/bin/env python3
"""Vendors the crates of Cargo.lock, for a build without network: vendor.py FOLDER

It prints the settings that make cargo use them, as cargo vendor does.

cargo insists on every crate of Cargo.lock, but the packages need a quarter of them. The others, of the tests and of
other systems, keep only their manifest and empty sources. So the folder has a tenth of the size, no library in binary
form, and no licence that the packages do not need.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARGO = os.environ.get("CARGO", "cargo")
# They differ in the crates that ask the processor. Debian's other processors need no more than these.
TRIPLES = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "i686-unknown-linux-gnu"]


def run(*arguments):
    return subprocess.run([CARGO, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def needed_crates():
    """Name and version of each crate that a build of the packages compiles, on Linux."""
    found = set()
    for triple in TRIPLES:
        tree = run("tree", "--locked", "--package", "scm", "--package", "scm-card", "--edges", "normal,build",
                   "--target", triple, "--prefix", "none", "--format", "{p}")
        for line in tree.splitlines():
            # The crates of the workspace have their path as a third word.
            if len(line.split()) == 2 or line.endswith("(proc-macro)"):
                name, version = line.split()[:2]
                found.add((name, version.removeprefix("v")))
    return found


def about_vendored(folder):
    """Folder, name and version of each crate in a folder that cargo has filled."""
    for manifest in sorted(folder.glob("*/Cargo.toml")):
        fields = {}
        for line in manifest.read_text().split("[package]", 1)[1].splitlines():
            key, separator, value = line.partition(" = ")
            if separator:
                fields.setdefault(key, value.strip('"'))
        yield manifest.parent, fields["name"], fields["version"]


def empty(crate):
    """Leaves the manifest, and the source files that cargo looks for, without content."""
    manifest, checksums = crate / "Cargo.toml", crate / ".cargo-checksum.json"
    text = manifest.read_text()
    for path in sorted(crate.rglob("*"), reverse=True):
        relative = path.relative_to(crate).as_posix()
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif relative == "src/lib.rs" or f'"{relative}"' in text and path.suffix == ".rs":
            path.write_text("")
        elif path not in (manifest, checksums):
            path.unlink()
    # The checksum of the whole crate is that of Cargo.lock.
    checksums.write_text(json.dumps({"files": {}, "package": json.loads(checksums.read_text())["package"]}))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1]).absolute()
    needed = needed_crates()
    run("vendor", "--locked", "--quiet", str(folder))
    for crate, name, version in about_vendored(folder):
        if (name, version) in needed:
            needed.remove((name, version))
        else:
            empty(crate)
    if needed:
        sys.exit(f"cargo has not vendored {sorted(needed)}")
    print(f'[source.crates-io]\nreplace-with = "vendor"\n\n[source.vendor]\ndirectory = "{sys.argv[1]}"')


if __name__ == "__main__":
    main()
