"""Reads YAML as Kubernetes does: numbers and booleans as Go's YAML reader takes them, and dates as text."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from slipway_steps.domain.errors import BadInput

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FLOAT = re.compile(
    r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+"
    r"|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"
)
"""Other than for PyYAML, `1e3` is a number, as it is on a cluster, and `1:30` is not."""
SURROGATE = re.compile("[\ud800-\udfff]")
MOST_VALUES = 1_000_000
"""The most values that one object may have; an object that a person writes has some thousands."""
DEEPEST = 10_000
"""Lists and maps within each other. Building three times as many, libyaml runs out of stack and kills the process."""
OPENING = "[{-?"
"""Every list or map that does not cost an indentation of its own begins with one of these."""


class _Loader(_Base):  # type: ignore[misc]
    """A safe loader that knows no dates, takes the floats that Go takes, and refuses a key that is given twice."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith((":timestamp", ":float"))]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} given twice", key.start_mark)
            seen.add(key.value)
    loader.flatten_mapping(node)
    return {
        _key(loader.construct_object(key, deep=True), key): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


def _key(value: Any, node: yaml.Node) -> str:
    """A key as a string, since JSON has no other keys."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise yaml.constructor.ConstructorError(None, None, "a key is not a text", node.start_mark)
    return str(value)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


class CurrentLoader(_Loader):
    """Takes `on`, `off`, `yes` and `no` as text, as YAML 1.2 does: for files that Kubernetes does not read."""


CurrentLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":bool")]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}
CurrentLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def read_text(path: Path) -> str:
    """The text of a file. Raises BadInput where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path} cannot be read: {reason}", "give a file of text in UTF-8") from error


def read_documents(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """The Kubernetes objects of a YAML file, each with the number of the line at which it begins.

    Raises BadInput, with file and line, where the file cannot be read, is not YAML, or holds something else.
    """
    empty = True
    for loaded, node in parse_documents(read_text(path), str(path)):
        line, empty = node.start_mark.line + 1, False
        if not isinstance(loaded, dict) or not isinstance(loaded.get("kind"), str):
            raise BadInput(f"{path}:{line}: no Kubernetes object", "each document needs a kind")
        yield loaded, line
    if empty:
        raise BadInput(f"{path} holds no Kubernetes object", "it is empty")


def parse_documents(text: str, name: str, loader: Any = _Loader) -> Iterator[tuple[Any, yaml.Node]]:
    """The documents of a text that are not empty, as values that JSON has, each with its node.

    name: of the file, for messages. Raises BadInput, with file and line, for what is not YAML, or is too large.
    """
    try:
        _refuse_too_deep(text, name)
        for node in yaml.compose_all(text, Loader=loader):
            if node is None or node.tag == "tag:yaml.org,2002:null":
                continue
            loaded = _construct(node, text)
            _refuse_values_without_json(loaded, f"{name}:{node.start_mark.line + 1}")
            yield loaded, node
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        raise BadInput(f"{name}{where}: {problem}", "correct the YAML") from error
    except ValueError as error:  # a number with thousands of digits
        raise BadInput(f"{name}: {error}", "correct the YAML") from error
    except RecursionError as error:
        raise BadInput(f"{name}: nested too deeply", "correct the YAML") from error


def _refuse_too_deep(text: str, name: str) -> None:
    """Raise BadInput for lists and maps that lie deeper in each other than libyaml can build them."""
    if sum(map(text.count, OPENING)) <= DEEPEST:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):  # unlike the building of nodes, this does not recurse
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise BadInput(f"{name}: nested too deeply", "correct the YAML")


def _refuse_values_without_json(value: Any, where: str) -> None:
    """Raise BadInput for values that JSON does not have: dates, sets, bytes, NaN and single surrogates; also for an
    object with more than MOST_VALUES values, which aliases of aliases make out of a few lines.
    """
    queue = [value]
    for count, item in enumerate(queue):  # grows while it is walked
        if count > MOST_VALUES:
            raise BadInput(f"{where}: more than {MOST_VALUES} values", "write it without aliases of aliases")
        if isinstance(item, dict):
            queue += [*item, *item.values()]
        elif isinstance(item, list):
            queue += item
        elif isinstance(item, float) and not math.isfinite(item):
            raise BadInput(f"{where}: {item} is not a number that JSON has", "quote it")
        elif isinstance(item, str) and not item.isascii() and SURROGATE.search(item):
            raise BadInput(
                f"{where}: {item[:40]!a} holds half a character (a single surrogate)", "write the whole character"
            )
        elif not isinstance(item, str | int | float | None):
            raise BadInput(f"{where}: a {type(item).__name__} is not a value that JSON has", "leave out the YAML tag")


def _construct(node: Any, text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()
