"""Regular expressions as Go has them: RE2, whose time grows with the text alone, whatever the pattern."""

import functools
from typing import Any

import re2

from slipway_workflows.engine.errors import ExpressionError

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False  # it would write them to stderr


@functools.lru_cache(maxsize=128)
def compiled(pattern: str) -> Any:
    """The pattern as an object with the methods of Python's `re`. Raises ExpressionError for one that is none."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error
        raise ExpressionError(
            f"{pattern!r} is no regular expression: {reason}", "look-around and back-references do not exist in RE2"
        ) from error


def found(pattern: str, text: str) -> bool:
    """Whether the pattern matches somewhere in the text. Raises ExpressionError."""
    return compiled(pattern).search(text) is not None
