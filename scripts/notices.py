#!/usr/bin/env python3
"""Writes packaging/NOTICES.txt: the licences of the crates that are linked into libscm, libscm_card and scm-card.

    scripts/notices.py            writes it
    scripts/notices.py --check    fails if it is out of date

It reads Cargo.lock and the sources that cargo has, through cargo metadata. The crates are those of Linux on x86-64, so
that the file is the same on every machine.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTICES = ROOT / "packaging" / "NOTICES.txt"
ROOTS = ("scm", "scm-card")
TEXTS = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")
STANDARD_LIBRARY = """The standard library of Rust is linked in too: MIT OR Apache-2.0,
Copyright (c) The Rust Project Contributors. Its sources and the notices of its own parts are at https://github.com/rust-lang/rust (COPYRIGHT)."""


def metadata():
    command = [os.environ.get("CARGO", "cargo"), "metadata", "--locked", "--format-version", "1"]
    command += ["--filter-platform", "x86_64-unknown-linux-gnu"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def linked_packages(about):
    """The packages below ROOTS that are in the result: no build scripts, no macros, no tests."""
    packages = {package["id"]: package for package in about["packages"]}
    nodes = {node["id"]: node for node in about["resolve"]["nodes"]}
    waiting = [identity for identity, package in packages.items() if package["name"] in ROOTS]
    found = {}
    while waiting:
        identity = waiting.pop()
        package = packages[identity]
        is_macro = any("proc-macro" in target["kind"] for target in package["targets"])
        if identity in found or is_macro:
            continue
        found[identity] = package
        waiting += [
            dependency["pkg"]
            for dependency in nodes[identity]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
        ]
    foreign = [package for package in found.values() if package["source"] is not None]
    return sorted(foreign, key=lambda package: (package["name"], package["version"]))


def texts_of(package):
    folder = Path(package["manifest_path"]).parent
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.upper().startswith(TEXTS)]
    return ["\n".join(line.rstrip() for line in path.read_text().strip().splitlines()) for path in files]


def mit_of(package):
    """The text for a crate that has none. Each of these is under the MIT licence."""
    if "MIT" not in package["license"]:
        sys.exit(f"{package['name']} has no licence text, and is not under the MIT licence")
    _, terms = (ROOT / "LICENSE-MIT").read_text().split("Permission is", 1)
    return f"Copyright (c) {', '.join(package['authors'])}\n\nPermission is{terms.rstrip()}"


def notices():
    packages = linked_packages(metadata())
    users = {}  # of each text
    lines = ["Crates that are linked into libscm, libscm_card and scm-card, with their licences.", ""]
    lines += STANDARD_LIBRARY.splitlines() + [""]
    for package in packages:
        name = f"{package['name']} {package['version']}"
        lines.append(f"{name}: {package['license']}, {package['repository']}")
        texts = texts_of(package)
        if not texts:
            texts = [mit_of(package)]
        for text in texts:
            users.setdefault(text, []).append(name)
    for text, names in users.items():
        lines += ["", "=" * 100, ", ".join(names), "=" * 100, "", text]
    return "\n".join(lines) + "\n"


def main():
    text = notices()
    if sys.argv[1:] == ["--check"]:
        if not NOTICES.exists() or NOTICES.read_text() != text:
            sys.exit(f"{NOTICES.relative_to(ROOT)} is out of date: run scripts/notices.py")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        NOTICES.write_text(text)


if __name__ == "__main__":
    main()
