#!/usr/bin/env python3
"""Checks the reference that build.sh has made: check.py OUTPUT. It prints each fault, and fails if there is one.

Exports, prototypes and manual pages are the same set. A page is complete and correct roff. A link leads somewhere.
"""

import html.parser
import pathlib
import re
import subprocess
import sys
import urllib.parse

sys.dont_write_bytecode = True  # The tree stays as it is.
import prepare as sources

EXPORTS = ("c-tests/exports.txt", "c-tests/exports_card.txt")
SECTIONS = ["NAME", "LIBRARY", "SYNOPSIS", "DESCRIPTION", "PARAMETERS", "RETURN VALUE", "BLOCKING", "THREADS",
            "EXAMPLES", "SEE ALSO"]


# --- Manual pages


def exports():
    """The functions, and the data."""
    names = [name for file in EXPORTS for name in (sources.ROOT / file).read_text().split()]
    return {name for name in names if name.islower()}, {name for name in names if not name.islower()}


def prototypes():
    """The functions that the headers declare, each with its group."""
    return {name: group for header in sources.HEADERS for group, _, names in sources.groups(header) for name in names}


def pages(manual):
    """The text of each page."""
    return {page.name: page.read_text() for page in manual.glob("man*/*")}


def faults_of_names(texts):
    """The functions of the exports, of the headers and of the pages are the same."""
    functions, data = exports()
    declared = prototypes()
    described = {page[:-2] for page, text in texts.items() if '.SH "RETURN VALUE"' in text or ".SH PARAMETERS" in text}
    for name in sorted(functions ^ declared.keys()):
        yield f"{name}: exported, or declared, but not both"
    for name in sorted(functions ^ described):
        yield f"{name}: exported, or with a manual page, but not both"
    for name in sorted(data):
        if f"{name}.3" not in texts:
            yield f"{name}: data without a manual page"


def faults_of_page(page, text, texts):
    """The sections of a page, and its references to others."""
    if text.startswith(".so "):
        target = text.split("/")[1].strip()
        if target not in texts or page[:-2] not in texts[target].split("\\-")[0]:
            yield f"{page}: it leads to {target}, which does not name it"
        return
    for name in re.findall(r"\\fB(\w+)\\fR\(([37])\)", text):
        if ".".join(name) not in texts:
            yield f"{page}: there is no {name[0]}({name[1]})"
    declared = prototypes()
    name = page[:-2]
    if name in declared:
        titles = [title.strip('"') for title in re.findall(r"^\.SH (.*)$", text, re.MULTILINE)]
        synopsis = text.split(".SH SYNOPSIS")[1].split(".SH")[0]
        without = {"PARAMETERS"} if "(void);" in plain(synopsis) else set()
        without |= {"RETURN VALUE"} if re.search(rf"void {name}\(", plain(synopsis)) else set()
        if titles != [title for title in SECTIONS if title not in without]:
            yield f"{page}: its sections are {titles}"
        relatives = {other for other, group in declared.items() if group == declared[name]} - {name}
        see = text.split('.SH "SEE ALSO"')[1]
        missing = [other for other in relatives | {declared[name]} if f"\\fB{other}\\fR(3)" not in see]
        if missing:
            yield f"{page}: SEE ALSO lacks {missing}"


def plain(roff):
    return re.sub(r"\\f.", "", roff)


def faults_of_roff(manual, texts):
    """The complaints of the programs that print and index manual pages."""
    files = sorted(str(page) for page in manual.glob("man*/*") if not page.read_text().startswith(".so "))
    for command in (["mandoc", "-T", "lint", "-W", "warning"], ["groff", "-man", "-T", "utf8", "-ww", "-z"]):
        done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
        yield from (done.stdout + done.stderr).splitlines()
    done = subprocess.run(["lexgrog", *files], capture_output=True, text=True, check=False)
    yield from (line for line in done.stdout.splitlines() + done.stderr.splitlines() if not line.endswith('"'))


# --- HTML


class Page(html.parser.HTMLParser):
    """The targets and the links of a page."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links = set(), []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        self.links += [found[name] for name in ("href", "src", "data") if found.get(name)]


def faults_of_html(folder):
    """Each link leads to a place that exists, and each page of ours can be reached."""
    found = {path.name: Page(path) for path in folder.glob("*.html")}
    if "index.html" not in found:
        yield "no index.html"
        return
    for name, page in found.items():
        for link in page.links:
            target = urllib.parse.urlparse(link)
            if target.scheme:
                continue
            file = urllib.parse.unquote(target.path) or name
            if not (folder / file).is_file():
                yield f"{name}: no file {link}"
            elif target.fragment == "nested-classes":
                pass  # Of doxygen itself, which may find only private classes there.
            elif target.fragment and file in found and target.fragment not in found[file].anchors:
                yield f"{name}: no place {link}"
    reached, new = set(), {"index.html"}
    new |= {link for link in re.findall(r'url:"([^"#]+)', (folder / "menudata.js").read_text())}
    while new:
        reached |= new
        links = (link for name in new if name in found for link in found[name].links)
        new = {urllib.parse.urlparse(link).path for link in links} - reached
    ours = [sources.page(file) + ".html" for file in sources.GUIDES + sources.HEADERS + sources.HEADERS_OF_CPP]
    ours += [sources.example(file) for file in sources.EXAMPLES]
    ours += [path.name for path in folder.glob("group__*.html")]
    yield from (f"{name}: no page leads to it" for name in ours if name not in reached)


def main():
    output = pathlib.Path(sys.argv[1])
    texts = pages(output / "man")
    faults = [*faults_of_names(texts), *faults_of_html(output / "html"), *faults_of_roff(output / "man", texts)]
    faults += [fault for page, text in sorted(texts.items()) for fault in faults_of_page(page, text, texts)]
    print("\n".join(faults) or f"{len(texts)} manual pages: no fault")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
