"""guides.py finds faults: a small tree has one of each."""
import tempfile
import unittest
from pathlib import Path

import guides

NOT_RUN = "sudo | a reason\nwithout a reason\nnever there | a reason\n"
FROM_PCSC = " ".join(f"`{call}`" for call in ["SCardConnect"])
README = """# Title
```c
int tested;
```

    indented

```
without a language
```

- a list

      its second paragraph

## Next heading

```c
int not_tested;
```

<!-- file: named.c -->
```c
int named;
```

<!-- file: not_named.c -->
```c
int not_named;
```

  ```sh
  cc named.c \\
      -c   # a comment
  sudo true
  ```

```yaml
unknown: 1
```

```text
cmake -S . -B build
```

[good](docs/from-pcsc.md) [bad](docs/missing.md) [worse](#no-such-heading) [best](#next-heading)
`scm_known` `scm_unknown` `scm_prefix_`
"""


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Path(folder.name)
        drivers = self.tree / "drivers"
        for path in [drivers, self.tree / "docs", self.tree / "include"]:
            path.mkdir()
        (drivers / "readme.c").write_text('#include "guides/readme/title.c"\n')
        (drivers / "not_run.txt").write_text(NOT_RUN)
        (self.tree / "include/scm.h").write_text("int scm_known(void);\n")
        (self.tree / "docs/from-pcsc.md").write_text(FROM_PCSC)
        (self.tree / "docs/from-iscardmanage.md").write_text(" ".join(f"`{name}`" for name in guides.METHODS[1:]))
        (self.tree / "README.md").write_text(README)
        own = guides.HERE
        guides.HERE = drivers
        self.addCleanup(lambda: setattr(guides, "HERE", own))

    def test_faults(self):
        faults = guides.check(self.tree)
        for part in ["README.md:6: a block without fences", "README.md:8: a block without a language",
                     "(readme/next-heading.c)", "(readme/not_named.c)", "(readme/next-heading.yaml)",
                     "commands are no text", "no reason: without a reason", "nothing begins so: never there",
                     "a link to docs/missing.md", "no heading #no-such-heading", "nothing has the name scm_unknown",
                     "docs/from-iscardmanage.md: nothing about AttachByHandle"]:
            found = [fault for fault in faults if part in fault]
            self.assertEqual(len(found), 1, (part, faults))
            faults.remove(found[0])
        # A block without a language is also not tested; the begin without a reason is also not used.
        faults = [fault for fault in faults if "nothing about SCard" not in fault]
        self.assertEqual(len(faults), 2, faults)

    def test_commands(self):
        blocks, _ = guides.parse(self.tree / "README.md", self.tree)
        commands = [block.commands() for block in blocks if block.language == "sh"]
        self.assertEqual(commands, [["cc named.c -c", "sudo true"]])

    def test_run(self):
        readme = self.tree / "README.md"
        readme.write_text("```sh\necho 1 >here\n```\n```python\nassert open('here').read() == '1\\n'\n```\n")
        self.assertEqual(guides.run(self.tree, self.tree / "work", "README.md"), 0)
        readme.write_text("```sh\nfalse\ntrue\n```\n")
        self.assertEqual(guides.run(self.tree, self.tree / "work", "README.md"), 1)


if __name__ == "__main__":
    unittest.main()
