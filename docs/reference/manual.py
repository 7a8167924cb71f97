#!/usr/bin/env python3
"""Writes the manual pages from the XML of doxygen: manual.py XML OUTPUT VERSION DATE.

scm(7) is the first comment of scm.h, each function has a page in section 3, and so has each group, with its types and
constants. The name of a type or of data leads to the page of its group.
"""

import pathlib
import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

COLUMNS = 78
# In the order of learning. There are no manual pages for C++.
HEADERS = ["scm.h", "scm_virtual.h", "scm_provider.h", "scm_card.h"]
# Lines with long names are neither hyphenated nor justified: in every groff, and after every heading.
RAGGED = [".nr HY 0", ".ds AD l", ".nh", ".ad l"]
# The first words of a paragraph about the duration of a call.
BLOCKING = ("Blocks ", "Does not block", "Never blocks")


# --- Roff


def escape(text):
    """Text in the language of roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti")
    return "".join(character if character.isascii() else f"\\[u{ord(character):04X}]" for character in text)


def protect(line):
    """A line that is no request."""
    return "\\&" + line if line.startswith((".", "'")) else line


def fill(text):
    """Lines of running text, each sentence on lines of its own."""
    sentences = re.split(r"(?<=[.?!:]) +(?=[A-Z\\])", text.strip())
    lines = (textwrap.wrap(sentence, COLUMNS, break_long_words=False, break_on_hyphens=False)
             for sentence in sentences)
    return [protect(line) for sentence in lines for line in sentence]


def literal(text):
    """An example, a prototype: its lines stay as they are."""
    return [".RS 4", ".EX", *(protect(escape(line)) for line in text.rstrip().split("\n")), ".EE", ".RE"]


def bold(text):
    return f"\\fB{escape(text)}\\fR"


def italic(text):
    return f"\\fI{escape(text)}\\fR"


# --- The text of comments, in blocks: ("text", roff), ("item", blocks), ("code", text)


class Comment:
    """The description of something, as doxygen has read it."""

    def __init__(self, element, functions, parameters=()):
        self.functions = functions
        self.italics = set(parameters)
        self.parameters = {}
        self.returns = []
        self.see = []
        # Sections by their headings; the first one has none.
        self.sections = {"": []}
        self.heading = ""
        self.is_heading_of_paragraph = False
        for name in ("briefdescription", "detaileddescription"):
            for child in element.findall(f"{name}/*"):
                self.add(self.blocks(child))

    def add(self, blocks):
        for block in blocks:
            kind, content = block
            found = re.match(r"\\fB([A-Z][a-z ]+)\.\\fR *", content) if kind == "text" else None
            if kind == "heading" or found:
                self.heading = found[1] if found else content
                self.sections.setdefault(self.heading, [])
                self.is_heading_of_paragraph = bool(found)
                block = ("text", content[found.end():]) if found else None
            elif kind != "item" and self.is_heading_of_paragraph:
                self.heading = ""
            if block:
                self.sections[self.heading].append(block)

    def blocks(self, element):
        """The blocks of a paragraph. Its text and its lists take turns."""
        found, text = [], [plain(element.text)]

        def flush():
            words = " ".join("".join(text).split())
            if words:
                found.append(("text", words))
            text.clear()
        for child in element:
            if child.tag in ("itemizedlist", "orderedlist"):
                flush()
                found += [("item", self.item(item)) for item in child]
            elif child.tag in ("programlisting", "verbatim"):
                flush()
                found.append(("code", listing(child)))
            elif child.tag == "parameterlist":
                flush()
                self.read_parameters(child)
            elif child.tag == "simplesect":
                flush()
                found += self.special(child)
            elif child.tag == "title":
                found.append(("heading", child.text))
            elif child.tag in ("para", "sect1", "sect2"):
                flush()
                found += self.blocks(child)
            else:
                text.append(self.inline(child))
            text.append(plain(child.tail))
        flush()
        return found

    def item(self, element):
        return [block for para in element for block in self.blocks(para)]

    def special(self, element):
        blocks = [block for para in element.findall("para") for block in self.blocks(para)]
        kind = element.get("kind")
        if kind == "return":
            self.returns += blocks
        elif kind == "see":
            self.see += re.findall(r"\w+", "".join(element.itertext()))
        elif kind == "par":
            return [("heading", element.find("title").text), *blocks]
        else:
            raise ValueError(f"no manual page has a place for @{kind}")
        return []

    def read_parameters(self, element):
        for item in element:
            name = item.find("parameternamelist/parametername")
            blocks = [block for para in item.find("parameterdescription") for block in self.blocks(para)]
            self.parameters[name.text] = (name.get("direction") == "out", blocks)

    def inline(self, element):
        """A piece of text with its font."""
        if element.tag == "sp":
            return " "
        words = "".join(element.itertext())
        is_code = element.tag in ("computeroutput", "ref") and re.fullmatch(r"\w+(\.\w+)?", words)
        if element.tag == "bold":
            return bold(words)
        if is_code and words in self.functions:
            return f"{bold(words)}(3)"
        if is_code and words in self.italics:
            return italic(words)
        if element.tag in ("computeroutput", "ref"):
            return bold(words)
        if element.tag == "emphasis":
            return italic(words)
        if element.tag in ("ulink", "ndash", "nonbreakablespace", "linebreak"):
            return escape(words) + {"ndash": "\\(en", "linebreak": " "}.get(element.tag, "")
        raise ValueError(f"no manual page has a font for <{element.tag}>: {words}")

    def first_sentence(self):
        """For the line NAME."""
        kind, text = self.sections[""][0]
        assert kind == "text"
        sentence = re.sub(r"\\f.|\(3\)", "", re.split(r"(?<=[.:]) ", text)[0]).rstrip(".:")
        return sentence[0].lower() + sentence[1:] if re.match(r"[A-Z][a-z]", sentence) else sentence


def plain(text):
    return escape(text or "")


def listing(element):
    """The text of an example."""
    if element.tag == "verbatim":
        return element.text
    return "\n".join(code_of(line) for line in element)


def code_of(element):
    parts = [element.text or ""]
    for child in element:
        parts.append(" " if child.tag == "sp" else code_of(child))
        parts.append(child.tail or "")
    return "".join(parts)


def roff(blocks):
    """Blocks in the language of roff."""
    lines, previous = [], None
    for kind, content in blocks:
        if kind == "text":
            lines += [".PP"] if previous else []
            lines += fill(content)
        elif kind == "code":
            lines += [".PP", *literal(content)]
        else:
            lines += item(content)
        previous = kind
    return lines


def item(blocks):
    """An item of a list. Codes in front of a colon are its tag."""
    first = blocks[0][1]
    tag = re.match(r"((?:\\fB[A-Z0-9_]+\\fR(?:, )?)+): ", first)
    if tag:
        return [".TP", protect(tag[1]), *fill(first[tag.end():]), *rest(blocks)]
    return [".IP \\(bu 2", *fill(first), *rest(blocks)]


def rest(blocks):
    return [".IP", *indented(blocks[1:])] if blocks[1:] else []


def indented(blocks):
    """Blocks below a tag: their paragraphs stay there."""
    return [".IP" if line == ".PP" else line for line in roff(blocks)]


# --- The interface


class Group:
    """A group of functions with its types and constants, in the order of the header."""

    def __init__(self, element, folder):
        self.element = element
        self.name = element.findtext("compoundname")
        self.title = element.findtext("title")
        structures = [ElementTree.parse(folder / f"{inner.get('refid')}.xml").getroot()[0]
                      for inner in element.findall("innerclass")]
        members = [*element.iter("memberdef"), *structures]
        members.sort(key=lambda member: int(member.find("location").get("line")))
        self.header = members[0].find("location").get("file").split("/")[-1]
        self.functions = [member for member in members if member.get("kind") == "function"]
        self.others = [member for member in members if member.get("kind") != "function"]

    def names(self):
        """The types and the data, which have no page of their own."""
        kinds = ("typedef", "struct", "variable")
        return [name_of(member) for member in self.others if member.get("kind") in kinds]


def name_of(member):
    return member.findtext("name") or member.findtext("compoundname")


def type_of(member):
    return " ".join("".join(member.find("type").itertext()).split())


def prototype(function):
    """The lines of a prototype: its name in bold, its parameters in italics."""
    head = f"{type_of(function)} ".replace("* ", "*") + name_of(function) + "("
    pieces = []
    for parameter in function.findall("param"):
        type_, name, array = type_of(parameter), parameter.findtext("declname"), parameter.findtext("array") or ""
        space = "" if type_.endswith("*") else " "
        plain_text = f"{type_}{space}{name or ''}{array}".strip()
        pieces.append((len(plain_text), f"{bold(type_ + (space if name else ''))}{italic(name) if name else ''}"))
    indentation = len(head) if len(head) + max(length for length, _ in pieces) + 1 < COLUMNS - 7 else 4
    lines, column, line = [], len(head), bold(head)
    if indentation == 4 and len(head) + pieces[0][0] + 1 >= COLUMNS - 7:
        lines, column, line = [line], 4, "    "
    for index, (length, text) in enumerate(pieces):
        if index and column + length + 2 >= COLUMNS - 7:
            lines.append(line.rstrip())
            column, line = indentation, " " * indentation
        elif index:
            column, line = column + 1, line + " "
        line += text + bold("," if index + 1 < len(pieces) else ");")
        column += length + 1
    return [*lines, line]


def synopsis(header, functions):
    lines = [".nf", f".B #include <{header}>"]
    for function in functions:
        lines += [".PP", *prototype(function)]
    return [*lines, ".fi"]


class Manual:
    """All pages."""

    def __init__(self, folder, output, version, date):
        self.output, self.version, self.date = output, version, date
        groups = [ElementTree.parse(file).getroot()[0] for file in sorted(folder.glob("group__*.xml"))]
        self.pages = {file.stem: ElementTree.parse(file).getroot()[0] for file in folder.glob("page_scm*_h.xml")}
        self.groups = [Group(element, folder) for element in groups]
        self.groups = [group for group in self.groups if group.header in HEADERS]
        self.groups.sort(key=lambda group: (HEADERS.index(group.header), self.line(group)))
        self.structures = {name_of(other) for group in self.groups for other in group.others
                           if other.get("kind") == "struct"}
        self.functions = {name_of(function) for group in self.groups for function in group.functions}

    @staticmethod
    def line(group):
        return int(next(group.element.iter("memberdef")).find("location").get("line"))

    def write_all(self):
        for section in (3, 7):
            (self.output / f"man{section}").mkdir(parents=True, exist_ok=True)
        self.write_overview()
        for group in self.groups:
            self.write_group(group)
            for function in group.functions:
                self.write_function(group, function)
            for name in group.names():
                path = self.output / "man3" / f"{name}.3"
                path.write_text(f".so man3/{group.name}.3\n")

    def write(self, name, section, parts):
        lines = [f'.TH {name.upper()} {section} {self.date} "libscm {self.version}" "libscm manual"', *RAGGED]
        for title, content in parts:
            if content:
                lines += [f'.SH {title.upper()}' if " " not in title else f'.SH "{title.upper()}"', *content]
        # A paragraph needs no macro at the start of a section.
        lines = [line for line, before in zip(lines, ["", *lines]) if not (line == ".PP" and before.startswith(".S"))]
        (self.output / f"man{section}" / f"{name}.{section}").write_text("\n".join(lines) + "\n")

    def write_overview(self):
        comment = Comment(self.pages["page_scm_h"], self.functions)
        about = [block for block in joined(comment) if block[0] != "code"]
        codes = [block for block in comment.sections[""] if block[0] == "code"]
        groups = [line for group in self.groups for line in
                  [".TP", f"{bold(group.name)}(3)", *fill(f"{escape(group.title)}:"),
                   *references([name_of(function) for function in group.functions])]]
        self.write("scm", 7, [
            ("Name", ["scm \\- smart cards over PC/SC, in the programming model of ISCardManage"]),
            ("Synopsis", [".nf", ".B #include <scm.h>", ".PP",
                          "\\fBcc\\fR \\fIprogram.c\\fR \\fB$(pkg\\-config \\-\\-cflags \\-\\-libs scm)\\fR", ".fi"]),
            ("Description", roff(about)),
            ("Examples", roff(codes[:1])),
            ("Conventions", roff(comment.sections["Conventions"])),
            ("Functions", groups),
            ("Environment", [".TP", bold("PCSCLITE_CSOCK_NAME"),
                             *fill("the socket of pcscd, if it is not the usual one.  libpcsclite reads it at the "
                                   "first call.")]),
            ("See also", references([group.name for group in self.groups], ["pcscd(8)"])),
        ])

    def write_group(self, group):
        comment = Comment(group.element, self.functions)
        sections = dict(comment.sections)
        about = [block for block in sections.pop("") if block[0] != "code"]
        more = [(title, roff([block for block in blocks if block[0] != "code"])) for title, blocks in sections.items()]
        page = self.pages["page_" + group.header.replace(".", "_")]
        conventions = Comment(page, self.functions).sections.get("Conventions", [])
        if group.header != "scm.h" and conventions:
            more.append(("Conventions", roff(conventions)))
        names = ", ".join([group.name, *group.names()])
        self.write(group.name, 3, [
            ("Name", [f"{names} \\- {escape(group.title[0].lower() + group.title[1:])}"]),
            ("Library", ["libscm_card (\\-lscm_card)" if group.header == "scm_card.h" else "libscm (\\-lscm)"]),
            ("Synopsis", synopsis(group.header, group.functions)),
            ("Description", roff(about)),
            *more,
            ("Types and constants", [line for member in group.others for line in self.describe(member)]),
            ("Functions", [line for function in group.functions for line in
                           [".TP", f"{bold(name_of(function))}(3)",
                            *fill(Comment(function, self.functions).sections[""][0][1])]]),
            ("Examples", examples(comment)),
            ("See also", references([other.name for other in self.groups if other is not group], ["scm(7)"])),
        ])

    def describe(self, member):
        """A type, a constant or data, with its parts."""
        comment, kind = Comment(member, self.functions), member.get("kind")
        text = joined(comment)
        if kind == "enum":
            text = joined(comment) or [("text", "Constants:")]
            values = [line for value in member.findall("enumvalue") for line in
                      [".TP", bold(f"{value.findtext('name')} {value.findtext('initializer')}"),
                       *self.parts(value)]]
            return [".PP", *roff(text), *values]
        if kind == "struct":
            fields = [line for field in member.iter("memberdef") for line in
                      [".TP", bold(declaration(field)), *self.parts(field)]]
            return [f".SS struct {name_of(member)}", *roff(text), *fields]
        if kind == "define":
            parameters = ", ".join(param.findtext("defname") for param in member.findall("param"))
            name = name_of(member) + (f"({parameters})" if parameters else "")
            return [".PP", f".B {escape(name)}", ".RS 4", *roff(text), ".RE"]
        if kind == "variable":
            return [".PP", f".B {escape(declaration(member))}", ".RS 4", *roff(text), ".RE"]
        about = Comment(member, self.functions, [name.text for name in member.iter("parametername")])
        return [f".SS {name_of(member)}", ".nf", bold(declaration(member) + ";"), ".fi", ".PP",
                *self.sections_of(about)]

    def parts(self, member):
        return indented(joined(Comment(member, self.functions))) or ["\\&"]

    def sections_of(self, about):
        """The whole comment of a type, without headings."""
        parameters = [line for name, (_, blocks) in about.parameters.items() for line in
                      [".TP", italic(name), *indented(blocks)]]
        returns = [".PP", "It returns:", *roff(about.returns)] if about.returns else []
        return [*roff(about.sections[""]), *parameters, *returns]

    def write_function(self, group, function):
        name = name_of(function)
        parameters = [parameter.findtext("declname") for parameter in function.findall("param")]
        comment = Comment(function, self.functions, [parameter for parameter in parameters if parameter])
        about, blocking = [], []
        for block in comment.sections[""]:
            is_blocking = block[0] == "text" and block[1].startswith(BLOCKING)
            (blocking if blocking or is_blocking else about).append(block)
        of_group = Comment(group.element, self.functions)
        blocking = blocking or of_group.sections.get("Blocking", [])
        described = [line for parameter, (is_output, blocks) in comment.parameters.items() for line in
                     [".TP", italic(parameter) + (" (output)" if is_output else ""), *indented(blocks)]]
        codes = [*roff(comment.returns)]
        if type_of(function) == "scm_result":
            group_codes = f", and {bold(group.name)}(3) those of its group" if "Result codes of the group" in \
                of_group.sections else ""
            codes += [".PP", *fill(f"{bold('scm_results')}(3) has the codes that every function may return, and those "
                                   f"of a connection{group_codes}.")]
        types = [word for parameter in function.findall("param") for word in type_of(parameter).split()]
        structures = [type_ for type_ in types if type_ in self.structures]
        relatives = [*comment.see, *structures, *(name_of(other) for other in group.functions)]
        relatives = [relative for relative in dict.fromkeys(relatives) if relative != name]
        self.write(name, 3, [
            ("Name", [f"{name} \\- {comment.first_sentence()}"]),
            ("Library", ["libscm_card (\\-lscm_card)" if group.header == "scm_card.h" else "libscm (\\-lscm)"]),
            ("Synopsis", synopsis(group.header, [function])),
            ("Description", roff(about)),
            ("Parameters", described),
            ("Return value", codes),
            ("Blocking", roff(blocking)),
            ("Threads", roff([block for block in of_group.sections.get("Threads", []) if block[0] == "text"][:1])),
            ("Examples", examples(of_group)),
            ("See also", references([*relatives, group.name], ["scm(7)"])),
        ])


def declaration(member):
    """A field, a type of a callback or data, as it is declared."""
    text = f"{type_of(member)} {name_of(member)}{member.findtext('argsstring') or ''}"
    keyword = "typedef " if member.get("kind") == "typedef" else ""
    return keyword + text.replace("* ", "*").replace("(*", " (*").replace("  ", " ")


def joined(comment):
    """Doxygen has cut the first sentence off its paragraph."""
    blocks = comment.sections[""]
    if [kind for kind, _ in blocks[:2]] == ["text", "text"]:
        return [("text", f"{blocks[0][1]} {blocks[1][1]}"), *blocks[2:]]
    return blocks


def examples(comment):
    codes = [block for blocks in comment.sections.values() for block in blocks if block[0] == "code"]
    return roff(codes)


def references(names, others=()):
    words = [f"{bold(name)}(3)" for name in names] + [f"{bold(other[:-3])}{other[-3:]}" for other in others]
    return [protect(word) + ("," if index + 1 < len(words) else "") for index, word in enumerate(words)]


if __name__ == "__main__":
    xml, output, version, date = sys.argv[1:]
    Manual(pathlib.Path(xml), pathlib.Path(output), version, date).write_all()
