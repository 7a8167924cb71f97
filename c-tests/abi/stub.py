"""Prints a C file that defines each function and each object of the headers, with an empty body.

    stub.py HEADER... < PREPROCESSED

The library itself has the types of Rust. The interface has those of the headers, so that its dump is made from them.
"""

import re
import sys

text = re.sub(r"\s+", " ", sys.stdin.read())
print(*(f'#include "{header}"' for header in sys.argv[1:]), sep="\n")
for statement in re.split(r"[;}] ", text):
    # A function that returns a pointer to a function would need more. There is none.
    if re.fullmatch(r"[\w* ]*\bscm_\w+\([^{}]*\)", statement) and not statement.startswith("typedef"):
        print(statement, "{ __builtin_trap(); }")
    elif declared := re.fullmatch(r"extern const scm_guid (\w+)", statement):
        print(f"const scm_guid {declared[1]} = {{0}};")
