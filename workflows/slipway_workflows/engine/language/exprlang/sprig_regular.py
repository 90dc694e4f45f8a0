"""sprig's functions for regular expressions, which are those of Go."""

import re
from collections.abc import Callable
from typing import Any

from slipway_workflows.engine.language import regular


def _found_all(pattern: str, text: str, limit: int) -> list[str]:
    matches = [match.group() for match in regular.compiled(pattern).finditer(text)]
    return matches if limit < 0 else matches[:limit]


def _replaced_all(pattern: str, text: str, new: str) -> str:
    """The text with each match replaced by `new`, in which `$1`, `${1}` and `${name}` stand for groups.

    A group that does not exist becomes nothing.
    """

    def filled(match: Any) -> str:
        def group(reference: re.Match[str]) -> str:
            name = reference.group(1) or reference.group(2)
            if name is None:
                return "$"
            key = int(name) if name.isdigit() else name
            known = match.re.groups >= key if isinstance(key, int) else key in match.re.groupindex
            return (match.group(key) or "") if known else ""

        return re.sub(r"\$(?:\$|(\w+)|\{(\w+)\})", group, new)

    return str(regular.compiled(pattern).sub(filled, text))


def _split(pattern: str, text: str, limit: int) -> list[str]:
    """The pieces of the text between the matches: at most `limit`, or all of them if it is negative."""
    if limit == 0:
        return []
    pieces: list[str] = []
    at = 0
    for match in regular.compiled(pattern).finditer(text):
        if 0 < limit <= len(pieces) + 1:
            break
        if match.end() == 0 or match.start() == match.end() == len(text):
            continue  # an empty match at either end separates nothing
        pieces.append(text[at : match.start()])
        at = match.end()
    return [*pieces, text[at:]]


REGULAR: dict[str, Callable[..., Any]] = {
    "regexMatch": regular.found,
    "regexFind": lambda pattern, text: match.group() if (match := regular.compiled(pattern).search(text)) else "",
    "regexFindAll": _found_all,
    "regexReplaceAll": _replaced_all,
    "regexReplaceAllLiteral": lambda pattern, text, new: regular.compiled(pattern).sub(lambda _: new, text),
    "regexSplit": _split,
    "regexQuoteMeta": lambda text: re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", text),
}
