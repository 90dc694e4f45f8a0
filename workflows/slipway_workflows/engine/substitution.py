"""Tags: `{{name}}` and `{{=expression}}` in the JSON text of a template.

Names are looked up whole (`steps.a.outputs.parameters.x`); their values are escaped for the JSON string around them. An
expression sees the same names as nested maps. What is not known stays as it is, so that a later pass can fill it;
strictly, an unknown name that begins with one of `strict` is an error.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from slipway_workflows.engine import exprlang
from slipway_workflows.engine.expression_error import ExpressionError
from slipway_workflows.engine.exprlang_functions import text_of

TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def nested(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as maps: {"a.b": 1} becomes {"a": {"b": 1}}."""
    found: dict[str, Any] = {}
    for name in sorted(scope):
        *path, last = name.split(".")
        place = found
        for part in path:
            inner = place.get(part)
            if not isinstance(inner, dict):
                inner = place[part] = {}
            place = inner
        if not isinstance(place.get(last), dict):
            place[last] = scope[name]
    return found


def replace(text: str, scope: Mapping[str, Any], strict: Sequence[str] = (), lenient: bool = True) -> str:
    """`text` (JSON) with its tags filled in from `scope`; None in the scope is an output that is absent.

    Raises ExpressionError: for an unknown name that is strict, for any unknown name where not lenient, and for an
    expression that cannot be evaluated where not lenient.
    """
    maps: dict[str, Any] | None = None

    def fill(match: re.Match[str]) -> str:
        nonlocal maps
        tag = match.group(1)
        if tag.lstrip().startswith("="):
            if maps is None:
                maps = nested(scope)
            # the text is JSON: what the author wrote has its quotes escaped
            source = json.loads(f'"{tag}"', strict=False).lstrip()[1:]
            try:
                value = exprlang.evaluate(source, maps)
            except ExpressionError:
                if lenient and not strict:
                    return match.group(0)
                raise
            if value is None:
                if lenient:
                    return match.group(0)
                raise ExpressionError(f"expression {source!r} has no value: it reads something that is not there")
            return json.dumps(text_of(value), ensure_ascii=False)[1:-1]
        name = tag.strip()
        if scope.get(name) is not None:
            return json.dumps(text_of(scope[name]), ensure_ascii=False)[1:-1]
        if not lenient or any(name.startswith(prefix) for prefix in strict):
            raise ExpressionError(
                f"{{{{{name}}}}} cannot be resolved", "declare a default on that output, or mend the name"
            )
        return match.group(0)

    return TAG.sub(fill, text)


def replace_in(value: Any, scope: Mapping[str, Any], strict: Sequence[str] = ()) -> Any:
    """A JSON value with its tags filled in."""
    return json.loads(replace(json.dumps(value, ensure_ascii=False), scope, strict), strict=False)


def references(value: Any) -> list[str]:
    """The simple tags in a JSON value, and the text of its expressions (with their `=`)."""
    return [match.strip() for match in TAG.findall(json.dumps(value))]
