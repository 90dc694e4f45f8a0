"""Fills in tags, `{{name}}` and `{{=expression}}`, in the JSON text of a template.

A tag begins at `{{` and ends at the next `}}`, even if that is in another field of the text; a `{{` without an end is
an error. A name is looked up as a whole (`steps.a.outputs.parameters.x`), and its value is escaped for the JSON string
around it. An expression sees the same names as nested maps; its result is written as JSON.

A tag with an unknown name stays as it is, so that it can be filled in later; if the name begins with one of the
`strict` prefixes, it is an error. An output that is known to be absent, because its node was skipped and it has no
default, is always an error.

Source: Argo 4.1's util/template with valyala/fasttemplate.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import exprlang
from slipway_workflows.engine.language.exprlang.values import to_json
from slipway_workflows.engine.language.golang import text_of

BEGIN, END = "{{", "}}"
KNOWN_LATER = (
    "item",
    "retries",
    "lastRetry.exitCode",
    "lastRetry.status",
    "lastRetry.duration",
    "lastRetry.message",
    "workflow.status",
    "workflow.failures",
)
"""Names that get their value only when a loop, a retry or the exit handler begins. An expression that reads one of them
stays as it is until then, even if it has a fallback for a missing name."""


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as nested maps: {"a.b": 1} becomes {"a": {"b": 1}}. If there are `a` and `a.b`, `a` is lost."""
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
    """A text as it is written between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def replace(text: str, values: Mapping[str, Any], strict: Sequence[str] = ()) -> str:
    """The JSON text with its tags filled in.

    `values`: by dotted name; None is an output that is absent. `strict`: prefixes of names that have to be known; ""
    stands for all names. Raises ExpressionError for the errors that the module names, and for an expression that cannot
    be parsed.
    """
    replacer = _Replacer(values, strict)
    return "".join(before + ("" if tag is None else replacer.tag(tag)) for before, tag in list(pieces(text)))


def pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """The parts of a text between its tags, each with the tag after it, without braces; None after the last part.

    Raises ExpressionError where a tag has no end.
    """
    at = 0
    while (begin := text.find(BEGIN, at)) >= 0:
        end = text.find(END, begin + len(BEGIN))
        if end < 0:
            raise ExpressionError(f"Cannot find end tag={END!r} starting from {text[begin : begin + 60]!r}", "close it")
        yield text[at:begin], text[begin + len(BEGIN) : end]
        at = end + len(END)
    yield text[at:], None


class _Replacer:
    """Fills in the tags of one text; arguments as of `replace`."""

    def __init__(self, values: Mapping[str, Any], strict: Sequence[str]) -> None:
        self.values, self.strict = values, tuple(strict)
        self.maps: dict[str, Any] | None = None

    def tag(self, tag: str) -> str:
        """The text that replaces a tag, which is given without its braces."""
        return self.expression(tag[1:]) if tag.startswith("=") else self.name(tag)

    def name(self, tag: str) -> str:
        name = tag.strip()
        if name in self.values:
            return self.value(name, tag)
        outer, braces, inner = tag.rpartition(BEGIN)
        if braces and outer and inner in self.values:
            # a tag inside of a tag: the inner one is filled in, and the outer one then ends at the next `}}`
            return BEGIN + outer + self.value(inner, tag)
        artifact = ".outputs.artifacts." in name and "" not in self.strict
        if name.startswith(self.strict) and not artifact:
            raise ExpressionError(
                f"failed to resolve {{{{{tag}}}}}", "declare a default on that output, or correct the name"
            )
        return BEGIN + tag + END

    def value(self, name: str, tag: str) -> str:
        value = self.values[name]
        if value is None:
            raise ExpressionError(
                f"unable to substitute {{{{{tag}}}}}: its node was skipped and the output has no default",
                "declare a default on that output",
            )
        return escaped(value if isinstance(value, str) else text_of(value))

    def expression(self, text: str) -> str:
        whole = f"{BEGIN}={text}{END}"
        try:
            # the text is JSON: what the author wrote has its quotes escaped
            source = json.loads(f'"{text}"', strict=False)
        except ValueError as error:
            if not self.strict:
                return whole
            raise ExpressionError(f"expression {text!r} is not a JSON text: {error}", "close its tag") from error
        parsed = exprlang.parse(source)
        if self.maps is None:
            self.maps = nested(self.values)
        lenient = not self.strict
        if self.strict:
            unknown = exprlang.missing(parsed, self.maps)
            wrong = [name for name in unknown if f"{name}.".startswith(self.strict)]
            if wrong:
                raise ExpressionError(f"expression {source!r}: {wrong[0]} is missing", "correct the name")
            lenient = bool(unknown)
        if lenient and self.waits(source):
            return whole
        try:
            value = exprlang.run(parsed, self.maps)
            if value is None:
                raise ExpressionError(f"expression {source!r} has no value: it reads a name that does not exist")
            return escaped(value if isinstance(value, str) else to_json(value))
        except ExpressionError:
            if lenient:
                return whole
            raise

    def waits(self, source: str) -> bool:
        """Whether the expression reads a name that gets its value only later; see KNOWN_LATER."""
        return any(name not in self.values and exprlang.mentions(source, name) for name in KNOWN_LATER)
