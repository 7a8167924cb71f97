#!/usr/bin/env python3
"""Prepares a file for doxygen, which runs this for each one: prepare.py FILE. Lines of headers and guides stay lines.

Headers and guides are written to be read as they are. Doxygen needs marks for links and headings, and this adds them.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = [ROOT / "include" / name for name in ("scm.h", "scm_virtual.h", "scm_provider.h")]
HEADERS.append(ROOT / "crates/card/include/scm_card.h")
HEADERS_OF_CPP = sorted(ROOT.glob("include/*.hpp"))
GUIDES = [ROOT / "crates/card/README.md", ROOT / "CHANGELOG.md"]
GUIDES = sorted(set(ROOT.glob("docs/*.md")) - {ROOT / "docs/decisions.md", ROOT / "docs/naming.md"}) + GUIDES
EXAMPLES = sorted(file for file in ROOT.glob("examples/*.*"))

NAME = re.compile(r"`(scm_[a-z0-9_]+|SCM_[A-Z0-9_]*[A-Z0-9])(?:\.([a-z0-9_]+))?`")
BLOCK_OR_WORD_OR_LINK = re.compile(r"^```.*?^```$|`[^`\n]+`|\[([^\]]+)\]\(([^)\s]+)\)", re.DOTALL | re.MULTILINE)


class Names:
    """The names that the headers declare."""

    def __init__(self):
        texts = [re.sub(r"/\*.*?\*/|^#(if|elif|undef).*?$", "", header.read_text(), flags=re.DOTALL | re.MULTILINE)
                 for header in HEADERS]
        self.words = {word for text in texts for word in re.findall(r"\w+", text)}
        structures = (found for text in texts
                      for found in re.findall(r"struct (\w+) \{(.*?)^\}", text, re.DOTALL | re.MULTILINE))
        self.fields = {name: set(re.findall(r"(\w+)(?:\[\w+\]|\)\(.*?\))?;", body, re.DOTALL))
                       for name, body in structures}

    def link(self, match):
        """A link to the description of a name in backticks."""
        name, field = match.groups()
        if field is None and name in self.words:
            return f"<tt>@ref {name}</tt>"
        if field in self.fields.get(name, ()):
            return f'<tt>@ref {name}::{field} "{name}.{field}"</tt>'
        return match.group()


NAMES = Names()


def filter_header(path, text):
    """Makes a page of the first comment, links of names in backticks, and headings of words in capitals."""
    text = re.sub(r"^/\* SPDX.*\n \*\n \* (scm\w*\.h\w*) - (?:libscm\w*: )?(.*)\n",
                  lambda match: f"/** @page {page(path)} {match[1]}: {match[2].rstrip('.')}\n *\n *\n", text, count=1)
    text = re.sub(r"^ \* Generated from .*", " *", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^/\*\* @page .*?(?=^ \* @code$|\*/)", lambda match: in_backticks(match[0]), text, count=1,
                  flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^ \* (CONVENTIONS[^\n]*)\n.*?^ \*/$", lambda match: conventions(path, *match.group(0, 1)), text,
                  count=1, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^ \* ([A-Z][A-Z ]+)\. ", lambda match: f" * <b>{match[1].capitalize()}.</b> ", text,
                  flags=re.MULTILINE)
    text = re.sub(r"@param (\w+)  \[out\] ", r"@param[out] \1  ", text)
    # These are for #ifdef.
    text = re.sub(r"^#define (\w+) \1$", "", text, flags=re.MULTILINE)
    # In C++ the description of a function names its function in C.
    text = re.sub(r"\bAs (scm_\w+)", r"As `\1`", text)
    return NAME.sub(NAMES.link, text)


def in_backticks(text):
    """A part of the first comment, where names have no backticks."""
    return re.sub(r"(?<!`)\b(?:scm|SCM)_\w+\b(?!\.h|`)", lambda match: f"`{match[0]}`", text)


def conventions(path, text, title):
    """The conventions in the first comment."""
    return in_backticks(text).replace(title, f"@section {page(path)}_conventions {title.capitalize()}", 1)


def filter_guide(path, text):
    """Makes links of names in backticks, and of links to files links to their pages."""
    def replace(match):
        label, target = match.groups()
        if target is None:
            return NAME.sub(NAMES.link, match.group())
        return link(path, label, target) or label
    text = BLOCK_OR_WORD_OR_LINK.sub(replace, text)
    # Doxygen names a section by itself too, but not as a link of a guide does.
    levels = "##+" if re.search(r"^## ", text, re.MULTILINE) else "##"
    text = re.sub(rf"^({levels}) (.*)$", lambda match: f"{match[0]} {{#{anchor(path, match[2])}}}", text,
                  flags=re.MULTILINE)
    return re.sub(r"^# (.*)$", lambda match: f"{match[0]} {{#{page(path)}}}", text, count=1, flags=re.MULTILINE)


def link(path, label, target):
    """A link of a guide, for doxygen. None if the target is not part of the reference."""
    if "://" in target:
        return f"[{label}]({target})"
    file, _, section = target.partition("#")
    file = (path.parent / file).resolve() if file else path
    words = label.replace("`", "")
    if file.suffix == ".dot":
        return f'<img src="{file.stem}.svg" alt="{words}">'
    if section and file in GUIDES:
        return f'@ref {anchor(file, section)} "{words}"'
    if file in GUIDES + HEADERS + HEADERS_OF_CPP:
        return f'@ref {page(file)} "{words}"'
    if file in EXAMPLES:
        return f'<a href="{example(file)}">{words}</a>'
    return None


def filter_main(text):
    """Fills the lists of the main pages."""
    return (text.replace("@headers", "\n".join(f'- @ref {page(header)} "{header.name}": {about(header)}'
                                                for header in HEADERS + HEADERS_OF_CPP))
            .replace("@functions", "\n".join(list_of_functions()))
            .replace("@guides", "\n".join(f'- @ref {page(guide)} "{title(guide)}"' for guide in GUIDES))
            .replace("@examples", "\n".join(f'- <a href="{example(file)}">{file.name}</a>: {purpose(file)}'
                                            for file in EXAMPLES))
            .replace("@sources", "\n".join(f"/** @example {file.name} */" for file in EXAMPLES)))


def groups(header):
    """The groups of a header: identifier, title, functions."""
    parts = re.split(r"@defgroup (\w+) (.*)\n", header.read_text())[1:]
    for group, words, part in zip(parts[::3], parts[1::3], parts[2::3]):
        part = re.sub(r"/\*.*?\*/", "", part, flags=re.DOTALL)
        yield group, words, re.findall(r"^SCM_(?:CARD_)?API\s[^;(]*?(\w+)\(", part, re.MULTILINE)


def list_of_functions():
    """The groups, each with its functions."""
    for header in HEADERS + HEADERS_OF_CPP:
        for group, words, names in groups(header):
            yield f'- @ref {group} "{words}" (%{header.name})<br>' + ", ".join(f"@ref {name}" for name in names)


def page(file):
    """The identifier of the page of a header or of a guide."""
    folder = file.parent.name + "_" if file.name == "README.md" else ""
    return re.sub(r"\W", "_", f"page_{folder}{file.name}".lower())


def anchor(file, heading):
    """The identifier of a section of a guide, from its heading or from a link to it."""
    return page(file) + "_" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "_").replace("-", "_")


def example(file):
    """The page that doxygen makes of an example."""
    return file.name.replace(".", "_8") + "-example.html"


def title(guide):
    return re.search(r"^# (.*)$", guide.read_text(), re.MULTILINE)[1]


def about(header):
    """The headline of a header."""
    return re.search(r"^ \* scm\w*\.h\w* - (?:libscm\w*: )?(.*)$", header.read_text(), re.MULTILINE)[1]


def purpose(file):
    """The first sentence of the first comment. The programs of the README have none."""
    comment = re.match(r'(?:#!.*\n)?(?:/\*|//|""")(.*?)[.](?=\s)', file.read_text(), re.DOTALL)
    if not comment:
        return "The first program of the README."
    return " ".join(re.sub(r"^ \*|^//|SPDX-License-Identifier:.*", "", comment[1], flags=re.MULTILINE).split()) + "."


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    text = path.read_text()
    if path.suffix == ".md":
        text = filter_guide(path, text)
    elif path.suffix == ".dox":
        text = filter_main(text)
    else:
        text = filter_header(path, text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
