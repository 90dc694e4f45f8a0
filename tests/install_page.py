"""The commands of docs/install.md, as they stand there.

`python tests/install_page.py` prints those that lead from a laptop to a canary, as one script for bash.
"""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "install.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
LAPTOP, REMOVAL = "## On a laptop", "### Away with it"


def section(start: str, end: str) -> str:
    """The part of the page between two headings."""
    text = PAGE.read_text()
    begin = text.index(f"\n{start}")
    return text[begin : text.index(f"\n{end}", begin + 1)]


def blocks(text: str, *languages: str) -> list[str]:
    """The blocks of code in one of these languages."""
    return [found for language, found in BLOCK.findall(text) if language in languages]


def commands(text: str) -> list[str]:
    """The lines of the shell in all blocks, continued lines joined, without what a here-document holds."""
    found = "".join(blocks(text, "bash", ""))
    found = re.sub(r"<<'(\w+)'\n.*?^\1$", "", found, flags=re.M | re.S)
    joined = re.sub(r"(\\|\|)\n\s*", lambda match: " " if match[1] == "\\" else "| ", found)
    return [line for line in (one.partition(" #")[0].strip() for one in joined.splitlines()) if line]


def walk() -> str:
    """From a laptop to a canary: every block, in order."""
    return "set -euo pipefail\n" + "\n".join(blocks(section(LAPTOP, REMOVAL), "bash"))


if __name__ == "__main__":
    print(walk())
