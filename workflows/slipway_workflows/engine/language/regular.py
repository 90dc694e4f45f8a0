"""Regular expressions as in Go: RE2, which takes time in proportion to the text, whatever the pattern is."""

import functools
from typing import Any

from slipway_workflows.engine.errors import ExpressionError


@functools.lru_cache(maxsize=128)
def compiled(pattern: str) -> Any:
    """The compiled pattern, with the methods of Python's `re.Pattern`. Raises ExpressionError for an invalid one."""
    import re2  # 3 MiB that few workflows need

    options = re2.Options()
    options.log_errors = False  # RE2 would write them to stderr
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error
        raise ExpressionError(
            f"{pattern!r} is not a regular expression: {reason}", "RE2 has no look-around and no back-references"
        ) from error


def found(pattern: str, text: str) -> bool:
    """Whether the pattern matches somewhere in the text. Raises ExpressionError for an invalid pattern."""
    return compiled(pattern).search(text) is not None
