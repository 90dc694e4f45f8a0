"""Where things come from: lines of files, and the findings that people have accepted there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from slipway_steps.domain.errors import BadInput
from slipway_workflows.findings.lines import FieldPath, nearest_line

WAIVER = re.compile(r"^[^#\n]*#\s*slipway:skip=([A-Z][A-Z0-9_]*)\s*:?[ \t]*(.*?)\s*$", re.MULTILINE)
"""The comment that accepts a finding, in the form of checkov's own: `# slipway:skip=SD119: it answers no requests`."""
DOCUMENT = re.compile(r"^---(?:\s.*)?$")


def waivers_in(text: str, name: str) -> dict[str, str]:
    """Code -> reason of each waiver in a text. name: of the file. Raises BadInput for one without a reason."""
    found = dict(WAIVER.findall(text))
    for code, reason in found.items():
        if not reason:
            raise BadInput(f"{name}: the waiver of {code} has no reason", f"write # slipway:skip={code}: and why")
    return found


@dataclass(frozen=True)
class FilePlace:
    """A file, or one document of it. lines: line of each field by its path. text: of the file."""

    file: str
    lines: dict[FieldPath, int] = field(default_factory=dict)
    waivers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    def within(self, path: FieldPath) -> "FilePlace":
        """The place of one part of a document, in which only the waivers of its own lines count."""
        first = self.lines.get(path, 1)
        after = [line for at, line in self.lines.items() if line > first and len(at) <= len(path)]
        own = self.text.splitlines()[first - 1 : min(after, default=1 + self.text.count("\n") + 1) - 1]
        return replace(self, waivers=waivers_in("\n".join(own), self.file))

    def at(self, path: FieldPath) -> tuple[str, int]:
        """See `objects.Place`."""
        return self.file, nearest_line(self.lines, path)


def chunks(text: str) -> list[tuple[int, str]]:
    """The documents of a text of YAML with their comments, each with the number of its first line (from 1)."""
    found: list[tuple[int, list[str]]] = [(1, [])]
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if DOCUMENT.match(line):
            found.append((number, []))
        found[-1][1].append(line)
    return [(first, "".join(lines)) for first, lines in found]
