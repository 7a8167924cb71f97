#!/usr/bin/env python3
"""Writes packaging/debian/copyright: the licences of libscm and of the crates that scripts/vendor.py vendors.

    scripts/copyright.py            writes it
    scripts/copyright.py --check    fails if it is out of date

The format is https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/ (DEP 5).
"""

import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # no files in the tree
from notices import metadata, texts_of
from vendor import needed_crates

ROOT = Path(__file__).resolve().parent.parent
COPYRIGHT = ROOT / "packaging" / "debian" / "copyright"
HOLDER = re.compile(r"^\W*copyright\s+(?:\(c\)\s*|©\s*)?(.+?)(?:\. All rights reserved)?\.?$", re.IGNORECASE)
NO_HOLDER = re.compile(r"\b(?:licen[cs]e|notice|holders|permission|yyyy)\b", re.IGNORECASE)
HEAD = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: libscm
Comment: scripts/copyright.py writes this file.

Files: *
Copyright: 2026 The libscm contributors
License: Expat or Apache-2.0

Files: vendor/*
Copyright: the developers of each crate
License: manifest
Comment: Crates that the packages do not need, with nothing but the manifest."""
MANIFEST = """\
 The licence of a manifest is that in its own field "license"."""
APACHE = """\
 On Debian systems, the complete text of the Apache License, Version 2.0, is
 in /usr/share/common-licenses/Apache-2.0."""


def holders(package):
    """Those of its licences, or else its authors."""
    found = []
    for text in texts_of(package):
        for line in text.splitlines():
            match = HOLDER.match(line)
            if match and not NO_HOLDER.search(line) and match.group(1) not in found:
                found.append(match.group(1))
    return found or package["authors"] or [f"the developers of {package['name']}"]


def licence(package):
    """In the words of DEP 5, which has commas instead of parentheses."""
    name = package["license"].replace("/", " OR ")
    name = re.sub(r"^\((.*)\) AND ", r"\1, AND ", name)
    return re.sub(r"\bMIT\b", "Expat", name).replace(" OR ", " or ").replace(" AND ", " and ")


def folders(names):
    """cargo adds the version to the folder of a crate that exists twice."""
    return [f"vendor/{name}/*" for name in sorted(set(names))] + [
        f"vendor/{name}-*/*" for name in sorted(set(names)) if names.count(name) > 1
    ]


def indented(text):
    return "\n".join(f" {line.rstrip()}" if line.strip() else " ." for line in text.strip().splitlines())


def text_in(package, start):
    """The licence text of a package, from these words on."""
    text = next(text for text in texts_of(package) if start in text)
    return indented(text[text.index(start):])


def copyright_file():
    needed = needed_crates()
    packages = {
        package["name"]: package
        for package in metadata()["packages"]
        if package["source"] and (package["name"], package["version"]) in needed
    }
    groups = {}
    for name, _ in sorted(needed):
        package = packages[name]
        groups.setdefault((tuple(holders(package)), licence(package)), []).append(name)
    paragraphs = [HEAD]
    for (of, name), crates in groups.items():
        files, people = "\n ".join(folders(crates)), "\n ".join(of)
        paragraphs.append(f"Files: {files}\nCopyright: {people}\nLicense: {name}")
    mit = (ROOT / "LICENSE-MIT").read_text()
    texts = {
        "Expat": indented(mit[mit.index("Permission is"):]),
        "Apache-2.0": APACHE,
        "BSD-3-Clause": text_in(packages["subtle"], "Redistribution and use"),
        "Unicode-3.0": text_in(packages["unicode-ident"], "Permission is hereby granted, free of charge, to any"),
        "manifest": MANIFEST,
    }
    used = {word for _, name in groups for word in re.split(r",? (?:and|or) ", name)}
    if used - set(texts):
        sys.exit(f"scripts/copyright.py has no text of {', '.join(sorted(used - set(texts)))}")
    paragraphs += [f"License: {name}\n{text}" for name, text in texts.items()]
    return "\n\n".join(paragraphs) + "\n"


def main():
    text = copyright_file()
    if sys.argv[1:] == ["--check"]:
        if not COPYRIGHT.exists() or COPYRIGHT.read_text() != text:
            sys.exit(f"{COPYRIGHT.relative_to(ROOT)} is out of date: run scripts/copyright.py")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        COPYRIGHT.write_text(text)


if __name__ == "__main__":
    main()
