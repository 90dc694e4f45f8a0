"""Formats an integer as Go's fmt.Sprintf does, for `withSequence.format`.

A format is a text with one verb: "%", any of the flags + - # 0 and space, a width, "." and a precision, and a letter.
"""

import re
from collections.abc import Callable

VERB = re.compile(r"%([-+# 0]*)(\d*)(?:\.(\d*))?(.?)", re.DOTALL)
DIGITS: dict[str, Callable[[int], str]] = {
    "d": str,
    "v": str,
    "b": lambda number: format(number, "b"),
    "o": lambda number: format(number, "o"),
    "O": lambda number: format(number, "o"),
    "x": lambda number: format(number, "x"),
    "X": lambda number: format(number, "X"),
}
PREFIXES = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}
"""The prefixes of the digits with the flag #, by verb."""


def format_integer(pattern: str, number: int) -> str:
    """`pattern` with its first verb replaced by the number.

    As in Go there are no errors: a verb that cannot be used becomes a text such as `%!s(int=3)`.
    """
    verbs, text, at = 0, "", 0
    for match in VERB.finditer(pattern):
        flags, width, precision, verb = match.groups()
        text, at = text + pattern[at : match.start()], match.end()
        if _is_too_large(width) or _is_too_large(precision):
            text, at = text + "%!(NOVERB)", len(pattern)
            break
        if verb == "%":
            text += "%"
        elif not verb:
            text += "%!(NOVERB)"
        elif verbs:
            text += f"%!{verb}(BADINDEX)" if verb == "[" else f"%!{verb}(MISSING)"
        else:
            verbs = 1
            text += _integer(number, flags, int(width or 0), precision, verb)
    text += pattern[at:]
    return text if verbs else f"{text}%!(EXTRA int={number})"


def _is_too_large(digits: str | None) -> bool:
    """Whether Go gives up reading a width or precision: before its last digit the number is above a million."""
    return len(digits or "") > 7 and int((digits or "")[:-1]) > 1_000_000


def _integer(number: int, flags: str, width: int, precision: str | None, verb: str) -> str:
    if verb == "c":
        return _padded(chr(number) if 0 <= number <= 0x10FFFF else "\ufffd", "", flags, width)
    if verb not in DIGITS:
        return f"%!{verb}(int={number})"
    digits = DIGITS[verb](abs(number))
    if precision is not None:
        digits = digits.rjust(int(precision or 0), "0")
        flags = flags.replace("0", "")
    sign = "-" if number < 0 else "+" if "+" in flags else " " if " " in flags else ""
    prefix = "0o" if verb == "O" else PREFIXES.get(verb, "") if "#" in flags else ""
    return _padded(digits, sign + prefix, flags, width)


def _padded(digits: str, prefix: str, flags: str, width: int) -> str:
    if "-" in flags:
        return (prefix + digits).ljust(width)
    if "0" in flags:
        return prefix + digits.rjust(width - len(prefix), "0")
    return (prefix + digits).rjust(width)
