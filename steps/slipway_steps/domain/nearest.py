"""Finds what somebody may have meant by a name that does not exist."""

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, known: Collection[str]) -> str:
    """A question such as `did you mean p99 ms?`; "" where no known name is like it. Upper and lower case are alike."""
    by_lower = {one.lower(): one for one in known}
    found = get_close_matches(name.lower(), by_lower, n=2, cutoff=0.5)
    if name.lower() in by_lower:
        found = found[:1]
    return f"did you mean {' or '.join(by_lower[one] for one in found)}?" if found else ""
