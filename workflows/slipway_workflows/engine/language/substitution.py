"""Tags: `{{name}}` and `{{=expression}}` in the JSON text of a template.

    text = { plain | "{{" name "}}" | "{{=" expression "}}" }        a tag ends at the first "}}" after it

Names are looked up whole (`steps.a.outputs.parameters.x`); their values are escaped for the JSON string around them. An
expression sees the same names as nested maps, and its result is written as JSON.

What is not known stays as it is (lenient), so that a later pass can fill it, or is an error (not lenient). Strictly, an
unknown name that begins with one of `strict` is an error and any other stays. An output that is known to be absent,
because its node was skipped and declares no default, is an error in every mode.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import exprlang
from slipway_workflows.engine.language.exprlang.values import text_of, to_json

TAG = re.compile(r"\{\{(=.*?|(?:(?!\{\{).)*?)\}\}", re.DOTALL)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as maps: {"a.b": 1} becomes {"a": {"b": 1}}; of a name and a longer one, the longer one wins."""
    found: dict[str, Any] = {}
    for name in sorted(values):
        *path, last = name.split(".")
        place = found
        for part in path:
            inner = place.get(part)
            if not isinstance(inner, dict):
                inner = place[part] = {}
            place = inner
        if not isinstance(place.get(last), dict):
            place[last] = values[name]
    return found


def escaped(text: str) -> str:
    """A text as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


class _Replacer:
    """One pass over a text."""

    def __init__(self, values: Mapping[str, Any], strict: Sequence[str], lenient: bool) -> None:
        self.values, self.strict, self.lenient = values, strict, lenient
        self.maps: dict[str, Any] | None = None

    def tag(self, match: re.Match[str]) -> str:
        tag = match.group(1)
        return self.expression(match) if tag.startswith("=") else self.name(tag.strip(), match.group())

    def name(self, name: str, whole: str) -> str:
        if name in self.values:
            value = self.values[name]
            if value is None:
                raise ExpressionError(
                    f"unable to substitute {whole}: its node was skipped and the output has no default",
                    "declare a default on that output",
                )
            return escaped(value if isinstance(value, str) else text_of(value))
        if not self.lenient or name.startswith(tuple(self.strict)):
            raise ExpressionError(f"failed to resolve {whole}", "declare a default on that output, or mend the name")
        return whole

    def expression(self, match: re.Match[str]) -> str:
        try:
            # the text is JSON: what the author wrote has its quotes escaped
            source = json.loads(f'"{match.group(1)[1:]}"', strict=False)
        except ValueError as error:
            if self.lenient and not self.strict:
                return match.group()
            raise ExpressionError(f"expression {match.group(1)[1:]!r} is no JSON text: {error}") from error
        parsed = exprlang.parse(source)
        if self.maps is None:
            self.maps = nested(self.values)
        lenient = self.lenient
        if self.strict:
            unknown = exprlang.missing(parsed, self.maps)
            wrong = [name for name in unknown if f"{name}.".startswith(tuple(self.strict))]
            if wrong:
                raise ExpressionError(f"expression {source!r}: {wrong[0]} is missing", "mend the name")
            lenient = bool(unknown)
        try:
            value = exprlang.run(parsed, self.maps)
            if value is None:
                raise ExpressionError(f"expression {source!r} has no value: it reads something that is not there")
            return escaped(value if isinstance(value, str) else to_json(value))
        except ExpressionError:
            if lenient:
                return match.group()
            raise


def replace(text: str, values: Mapping[str, Any], strict: Sequence[str] = (), lenient: bool = True) -> str:
    """`text` (JSON) with its tags filled in from `values`; None in the values is an output that is absent.

    Raises ExpressionError as the module says, and for an expression that cannot be parsed.
    """
    return TAG.sub(_Replacer(values, strict, lenient).tag, text)


def replace_in(value: Any, values: Mapping[str, Any], strict: Sequence[str] = (), lenient: bool = True) -> Any:
    """A JSON value with its tags filled in. Raises ExpressionError."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(replace(text, values, strict, lenient), strict=False) if "{{" in text else value


def references(value: Any) -> list[str]:
    """The simple tags in a JSON value, and the text of its expressions (with their `=`)."""
    return [match.strip() for match in TAG.findall(json.dumps(value))]
