"""Which line of a template a rendered line comes from.

Helm does not say it. Lines that are the same in both are anchors; between two anchors, a rendered line belongs to the
line of the template that begins as it does.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher

LEAST = 2
"""The least characters that two lines have to begin with to be the same one."""


def template_lines(template: Sequence[str], rendered: Sequence[str]) -> list[int]:
    """For each rendered line the number (from 1) of the template's line."""
    if not template:
        return [1] * len(rendered)
    own, made = [line.strip() for line in template], [line.strip() for line in rendered]
    found = [0] * len(made)
    before_own, before_made = 0, 0
    for start_own, start_made, size in SequenceMatcher(None, own, made, autojunk=False).get_matching_blocks():
        _between(own, made, found, range(before_own, start_own), range(before_made, start_made))
        for offset in range(size):
            found[start_made + offset] = start_own + offset + 1
        before_own, before_made = start_own + size, start_made + size
    return found


def _between(own: Sequence[str], made: Sequence[str], found: list[int], gap_own: range, gap_made: range) -> None:
    """Fill `found` for the rendered lines of a gap between two anchors."""
    first = gap_own.start
    last = max(first, 1)
    for at in gap_made:
        alike = {line: _alike(own[line], made[at]) for line in range(first, gap_own.stop)}
        best = max(alike, key=lambda line: alike[line], default=None)
        if best is not None and alike[best] >= LEAST:
            last = best + 1
            if not own[best].startswith("{{"):
                first = best
        elif best is not None and last - 1 < first:
            last = first + 1
        found[at] = min(last, len(own))


def _alike(one: str, other: str) -> int:
    """How many characters two lines begin with in common."""
    least = min(len(one), len(other))
    return next((at for at in range(least) if one[at] != other[at]), least)
