"""Argo's function jsonpath(): finds values in a JSON text."""

import json
from typing import Any

from slipway_workflows.engine.errors import ExpressionError


def jsonpath(text: Any, path: str) -> Any:
    """What the JSONPath `path` finds in a JSON text, or in a value: a list, or one value if the path can only find one.

    Raises ExpressionError where the text is not JSON, the path is not one, or the one value does not exist.
    """
    import jsonpath as library  # here, because the import takes 60 ms and few expressions need it

    try:
        document = json.loads(text, parse_int=float) if isinstance(text, str) else text
    except ValueError as error:
        raise ExpressionError(f"jsonpath: {text[:60]!r} is not JSON") from error
    try:
        compiled = library.compile(path)
        found = compiled.findall(document)
    except library.JSONPathError as error:
        raise ExpressionError(f"jsonpath {path!r}: {error}") from error
    if not (isinstance(compiled, library.JSONPath) and compiled.singular_query()):
        return found
    if not found:
        raise ExpressionError(f"jsonpath {path!r}: nothing was found")
    return found[0]
