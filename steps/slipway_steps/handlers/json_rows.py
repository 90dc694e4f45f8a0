"""The rows of JSON bodies, in the forms in which models are asked."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from slipway_steps.handlers.table import Table

WRAPPERS = ("instances", "inputs", "data", "rows", "dataframe_records", "dataframe_split")
"""Names under which the rows of a request may lie in an object; what lies beside them belongs to the request."""
ANSWERS = ("predictions", "outputs")
"""Names under which the rows of an answer may lie in an object."""


class _Form(NamedTuple):
    """A value with rows: how many they are, and how the same value looks with only some of them."""

    size: int
    take: Callable[[Sequence[int]], Any]


def read_json(body: bytes) -> Table | None:
    """The rows of a JSON request: a list; an object with the rows under one of `WRAPPERS`; pandas' `columns` and
    `data`; an object of columns; one record of plain values. Several JSON values in lines are JSON Lines. None for any
    other body, and where nobody can tell what is a row.
    """
    try:
        value = _load(body)
    except ValueError:
        return read_json_lines(body) if len(body.split(b"\n")) > 1 else None
    form = _form(value)
    if form is None:
        return None
    rows = _answer(value) or []
    return Table(form.size, lambda rows: _dump(form.take(rows)), lambda: rows)


def read_json_lines(body: bytes) -> Table | None:
    """The rows of a body with one JSON value in each line that is not empty."""
    try:
        lines = [line for line in body.split(b"\n") if line.strip()]
        values = [_load(line) for line in lines]
    except ValueError:
        return None
    return Table(len(lines), lambda rows: b"".join(lines[row].strip() + b"\n" for row in rows), lambda: values)


def read_json_answer(body: bytes) -> list[Any] | None:
    """The rows of a JSON answer: a list, the list under one of `ANSWERS`, or columns of one length as objects."""
    try:
        return _answer(_load(body))
    except ValueError:
        table = read_json_lines(body) if len(body.split(b"\n")) > 1 else None
        return table.values() if table else None


def is_flat(body: bytes) -> bool:
    """Whether the rows of a JSON request are plain values in one list, as in `[5.1, 3.5]`: these may be that many rows
    with one value, or one row with that many values; only the handler knows.
    """
    try:
        value = _load(body)
    except ValueError:
        return False
    while isinstance(value, dict):
        value = next((value[name] for name in WRAPPERS if name in value), None)
    return isinstance(value, list) and len(value) > 1 and all(_is_plain(one) for one in value)


def _form(value: Any) -> _Form | None:
    if isinstance(value, list):
        if value and all(isinstance(one, dict) and {"name", "shape", "data"} <= one.keys() for one in value):
            return None  # tensors of the Open Inference Protocol, not rows
        return _Form(len(value), lambda rows: [value[row] for row in rows])
    if isinstance(value, dict):
        return _object_form(value)
    return None


def _object_form(value: dict[str, Any]) -> _Form | None:
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        parts = [name for name in ("data", "index") if isinstance(value.get(name), list)]
        return _part_lists(value, parts)
    wrapper = next((name for name in WRAPPERS if name in value), None)
    if wrapper is not None:
        inner = _one_row(value[wrapper]) if _is_plain(value[wrapper]) else _form(value[wrapper])
        return inner and _Form(inner.size, lambda rows: {**value, wrapper: inner.take(rows)})
    if value and all(_is_plain(one) for one in value.values()):
        return _one_row(value)
    if value and all(isinstance(one, list) for one in value.values()):
        (first, *_) = value.values()
        if len(value) == 1 and all(_is_number(one) for one in first):
            return None  # a column with these numbers, or one row with them
        return _part_lists(value, list(value))
    return None


def _one_row(value: Any) -> _Form:
    """The form of one text, number or record; several of it are a list."""

    def take(rows: Sequence[int]) -> Any:
        taken = [[value][row] for row in rows]
        return value if len(taken) == 1 else taken

    return _Form(1, take)


def _part_lists(value: dict[str, Any], parts: list[str]) -> _Form | None:
    """The form of an object that holds the rows in several lists of one length."""
    lengths = {len(value[name]) for name in parts}
    if len(lengths) != 1:
        return None
    return _Form(lengths.pop(), lambda rows: {**value, **{name: [value[name][row] for row in rows] for name in parts}})


def _answer(value: Any) -> list[Any] | None:
    if isinstance(value, dict):
        for name in (*ANSWERS, *WRAPPERS):
            if isinstance(value.get(name), list):
                return list(value[name])
        columns = list(value.values())
        if columns and all(isinstance(one, list) for one in columns) and len({len(one) for one in columns}) == 1:
            return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]
    return value if isinstance(value, list) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _load(text: bytes) -> Any:
    """The JSON value in a text. Raises ValueError."""
    try:
        return json.loads(text.decode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
