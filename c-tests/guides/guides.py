"""Takes the programs and commands out of the guides, so that all of them are tested.

    guides.py extract TREE FOLDER     writes each program to FOLDER/GUIDE/NAME
    guides.py check TREE              fails if a block is not tested, a link leads nowhere, or a name does not exist
    guides.py run TREE FOLDER GUIDE   runs the Python programs and the commands of a guide, in FOLDER/GUIDE

The guides are README.md, docs/*.md and crates/card/README.md. A block stands between fences with its language. Its name
is that of its heading ("a-code.c", "a-code-2.c"), unless a comment before it tells its file: <!-- file: test.c -->.

    c, cpp           a driver GUIDE.c or GUIDE.cpp beside this file includes it and calls it, or a command of its guide
                     compiles it
    python, sh       it runs, in the folder with the files of its guide. A command in not_run.txt does not; the command
                     of a script NAME is "sh NAME".
    other languages  commands of its guide read its file; or it is in not_run.txt with its name
    text             output, or a drawing: neither a program nor a command
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXTENSIONS = {"python": "py", "cmake": "cmake", "meson": "build", "sh": "sh", "text": "txt"}
# Commands that read a file without its name.
READERS = {"CMakeLists.txt": "cmake -S .", "meson.build": "meson setup"}
FENCE = re.compile(r"^( *)```(\S*)$")
FILE = re.compile(r"^ *<!-- file: (\S+) -->$")
# The methods of ISCardManage and the interfaces that it makes, and of ISCard.
METHODS = """AttachByHandle AttachByIFD CreateFileAccess CreateCardAuth CreateCHVerification Detach SCardLock
Reconnect Status SCardUnlock CreateInterface ChangeDir Close Create Delete Directory GetCurrentDir
GetFileCapabilities GetProperties Invalidate Open Read Rehabilitate Seek SetProperties Write Verify
ChangeCode Unblock ResetSecurityState GetChallenge APP_Auth ICC_Auth User_Auth AttachByReader LockSCard
ReAttach Transaction UnlockSCard Atr CardHandle Context Protocol Initialize""".split()
LINK = re.compile(r"\]\(([^):]+)\)")
NAME = re.compile(r"`((?:scm|SCM)_\w+)(?!\.\d)")
COMMAND = re.compile(r"^(\$|sudo|cc|gcc|cmake|cargo|python3?|pkg-config|apt|apt-get|meson)(?!\S)|^\./")
LIST_ITEM = re.compile(r"^ {0,3}([-*]|\d+\.) ")


class Block:
    def __init__(self, guide, line, language, name, is_file):
        self.guide, self.line, self.language, self.name, self.is_file = guide, line, language, name, is_file
        self.lines = []

    @property
    def text(self):
        return "".join(line + "\n" for line in self.lines)

    @property
    def place(self):
        return f"{self.guide}:{self.line}"

    def commands(self):
        """The commands of a shell block: lines, joined after a backslash and in a here-document; no comments."""
        if self.is_file:
            return [f"sh {self.name}"]
        commands, end = [], None
        for line in self.text.replace("\\\n", " ").splitlines():
            if end is not None:
                end = None if line == end else end
                commands[-1] += "\n" + line
                continue
            here = re.search(r"<<'?(\w+)'?", line)
            end = here.group(1) if here else None
            line = line if here else re.sub(r"(^|  +)#.*", "", line)
            if line.strip():
                commands.append(re.sub(r"  +", " ", line.strip()))
        return commands


def guide_files(tree):
    return [tree / "README.md", *sorted(tree.glob("docs/*.md")), *sorted(tree.glob("crates/card/README.md"))]


def folder_of(guide):
    """The folder of its programs, and the name of its driver: "readme", "codes"; "card" for crates/card/README.md."""
    path = Path(guide)
    name = path.parent.name if path.stem == "README" and path.parent.name else path.stem
    return name.lower().replace("-", "_")


def parse(path, tree):
    """The blocks of a guide, and complaints about its form."""
    guide = str(path.relative_to(tree))
    blocks, faults, names = [], [], {}
    block = file = None
    heading, previous, in_list = "top", "", False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if block is not None:
            if fence:
                block = None
            else:
                block.lines.append(line[len(indent):] if line.startswith(indent) else line.lstrip())
        elif fence:
            indent, language = fence.groups()
            stem = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
            name = f"{stem}.{EXTENSIONS.get(language, language)}"
            names[name] = names.get(name, 0) + 1
            if names[name] > 1:
                name = f"{stem}-{names[name]}.{EXTENSIONS.get(language, language)}"
            block = Block(guide, number, language, file or name, file is not None)
            blocks.append(block)
            if not language:
                faults.append(f"{block.place}: a block without a language")
        elif line.startswith("#"):
            heading, in_list = line.lstrip("# "), False
        elif LIST_ITEM.match(line):
            in_list = True
        elif line.strip() and not line.startswith(" "):
            in_list = False
        elif line.startswith("    ") and not previous.strip() and not in_list:
            faults.append(f"{guide}:{number}: a block without fences")
        match = FILE.match(line)
        file = match.group(1) if match else None
        previous = line
    if block is not None:
        faults.append(f"{block.place}: a block without an end")
    return blocks, faults


def all_blocks(tree):
    blocks, faults = [], []
    for path in guide_files(tree):
        found, wrong = parse(path, tree)
        blocks += found
        faults += wrong
    return blocks, faults


class NotRun:
    """The lines of not_run.txt: "BEGIN OF A COMMAND, OR GUIDE/NAME | REASON"."""

    def __init__(self):
        lines = (HERE / "not_run.txt").read_text(encoding="utf-8").splitlines()
        rows = [line.split(" | ") for line in lines if line and not line.startswith("#")]
        self.faults = [f"not_run.txt: no reason: {row[0]}" for row in rows if len(row) != 2 or not row[1].strip()]
        self.begins = [row[0] for row in rows]
        self.used = set()

    def has(self, text):
        found = [begin for begin in self.begins if text == begin or text.startswith(begin + " ")]
        self.used.update(found)
        return bool(found)

    def unused(self):
        return [f"not_run.txt: nothing begins so: {begin}" for begin in self.begins if begin not in self.used]


def anchors(path):
    """The anchors of the headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def wrong_links(tree):
    faults = []
    for path in guide_files(tree):
        for target in LINK.findall(path.read_text(encoding="utf-8")):
            file, _, anchor = target.partition("#")
            target_path = (path.parent / file).resolve() if file else path
            if not target_path.exists():
                faults.append(f"{path.relative_to(tree)}: a link to {target}")
            elif anchor and anchor not in anchors(target_path):
                faults.append(f"{path.relative_to(tree)}: no heading {target}")
    return faults


def wrong_names(tree):
    """Names in the guides that neither a header nor the build has. A prefix ends in an underscore."""
    patterns = ["include/*.h*", "crates/card/include/*.h", "CMakeLists.txt", "cmake/*.cmake"]
    files = [path for pattern in patterns for path in tree.glob(pattern)]
    names = set(re.findall(r"\w+", "".join(path.read_text(encoding="utf-8") for path in files)))
    faults = []
    for path in guide_files(tree):
        # Its names are patterns: scm_VERB_NOUN.
        if path.name == "naming.md":
            continue
        for name in NAME.findall(path.read_text(encoding="utf-8")):
            if name not in names and not name.endswith("_"):
                faults.append(f"{path.relative_to(tree)}: nothing has the name {name}")
    return faults


def missing_calls(tree):
    """The functions of winscard.h, where there is one, and the methods that their guides do not name."""
    header = Path("/usr/include/PCSC/winscard.h")
    calls = set(re.findall(r"\b(SCard\w+)\(", header.read_text(encoding="utf-8"))) if header.exists() else set()
    faults = []
    for guide, names in [("docs/from-pcsc.md", sorted(calls)), ("docs/from-iscardmanage.md", METHODS)]:
        text = (tree / guide).read_text(encoding="utf-8")
        faults += [f"{guide}: nothing about {name}" for name in names if not re.search(rf"`{name}\b", text)]
    return faults


def check(tree):
    blocks, faults = all_blocks(tree)
    not_run = NotRun()
    faults += not_run.faults
    included = {}
    for driver in [*HERE.glob("*.c"), *HERE.glob("*.cpp")]:
        for name in re.findall(r'#include "guides/([^"]+)"', driver.read_text(encoding="utf-8")):
            included.setdefault(name, []).append(driver.name)
    commands = {}
    for block in blocks:
        if block.language == "sh":
            run = [command for command in block.commands() if not not_run.has(command)]
            commands.setdefault(block.guide, []).extend(run + [block.text] * (block.is_file and bool(run)))
    for block in blocks:
        name = f"{folder_of(block.guide)}/{block.name}"
        reader = READERS.get(block.name, block.name)
        used = block.is_file and any(reader in command for command in commands.get(block.guide, []))
        if block.language == "text" and any(COMMAND.match(line) for line in block.lines):
            faults.append(f"{block.place}: commands are no text")
        if block.language in ("python", "sh", "text"):
            continue
        if not used and name not in included and not not_run.has(name):
            faults.append(f"{block.place}: nothing tests this block ({name})")
    faults += not_run.unused() + wrong_links(tree) + wrong_names(tree) + missing_calls(tree)
    count = {}
    for block in blocks:
        count[block.language] = count.get(block.language, 0) + 1
    print(", ".join(f"{number} {language}" for language, number in sorted(count.items())))
    return faults


def write(blocks, folder):
    for block in blocks:
        path = folder / folder_of(block.guide) / block.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != block.text:
            path.write_text(block.text, encoding="utf-8")


def extract(tree, folder):
    blocks, _ = all_blocks(tree)
    write([block for block in blocks if block.is_file or block.language not in ("sh", "text")], Path(folder))
    return 0


def run(tree, folder, guide):
    """Follows a guide from top to bottom, as a reader does."""
    blocks, _ = parse(tree / guide, tree)
    work = Path(folder).resolve() / folder_of(guide)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    write([block for block in blocks if block.is_file], work.parent)
    not_run = NotRun()
    failures = count = 0
    for block in blocks:
        if block.language == "sh":
            commands = [command for command in block.commands() if not not_run.has(command)]
            program = ["bash", "-euo", "pipefail", "-c", "\n".join(commands)]
        elif block.language == "python":
            commands, program = [block.name], [sys.executable, "-c", block.text]
        else:
            continue
        if not commands:
            continue
        count += 1
        print(f"== {block.place}: {'; '.join(commands)}", flush=True)
        status = subprocess.run(program, cwd=work).returncode
        if status != 0:
            print(f"FAILED: {block.place} ended with {status}", flush=True)
            failures += 1
    print(f"{count} blocks of {guide}, {failures} failed")
    return 1 if failures else 0


def main():
    action, tree, *rest = sys.argv[1:]
    tree = Path(tree).resolve()
    if action == "check":
        faults = check(tree)
        print("\n".join(faults))
        return len(faults)
    return {"extract": extract, "run": run}[action](tree, *rest)


if __name__ == "__main__":
    sys.exit(main())
