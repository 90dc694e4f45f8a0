"""The commands of the tutorial, as they stand in its pages."""

import re
from dataclasses import dataclass

from slipway_steps.settings import PROJECT_ROOT

PAGES = ("lifecycle_part_1.md", "lifecycle_part_2.md", "lifecycle_part_3.md")
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"^```yaml\n# (mine/[a-z]+\.yaml)\n(.*?)^```$", re.M | re.S)
"""A file that the reader writes: its first line is its name."""


@dataclass(frozen=True)
class Command:
    """A line that begins with `$`: what is typed, and the exit code that the page says (0 where it says nothing)."""

    line: str
    code: int
    beside: bool

    @classmethod
    def parse(cls, text: str) -> "Command":
        typed, _, remark = text.removeprefix("$ ").partition("#")
        code = re.search(r"exit code (\d+)", remark)
        typed = typed.strip()
        return cls(typed.removesuffix("&").strip(), int(code[1]) if code else 0, typed.endswith("&"))


def files() -> dict[str, str]:
    """Name -> text of each file that the reader writes."""
    return dict(FILE.findall((PROJECT_ROOT / "docs" / PAGES[-1]).read_text()))


def commands() -> list[Command]:
    """All of them, in order."""
    text = "".join((PROJECT_ROOT / "docs" / page).read_text() for page in PAGES)
    return [
        Command.parse(line) for block in BLOCK.findall(text) for line in block.splitlines() if line.startswith("$ ")
    ]
