"""Guesses what rows a handler takes: from its package's files, its loaded model, and its source text."""

import ast
import csv
import io
import json
import math
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from slipway_steps.domain.handler import CSV, JSON
from slipway_steps.handlers.request_forms import WRAPPERS, Rows
from slipway_steps.handlers.rows import answer_rows, row_count, take_rows
from slipway_steps.handlers.samples import CONTENT_TYPES
from slipway_steps.handlers.source import CODE, Source

ROWS = 3
"""Rows in the largest sample: enough to tell a first row, a last one and one between."""
LARGEST_FILE = 64 * 1024**2
"""Bytes of a data file that is still read."""
MOST_VALUES = 200_000
"""Numbers in one row."""
WIDEST = 64
"""Numbers in a row up to which every width is tried where nothing tells one."""
NAME = re.compile(r"[A-Za-z_][\w .()%-]{0,60}")
TEXTS = ["a good day for a walk", "this was a bad idea", "the train leaves at nine"]
SCALES = (1.0, 40.0)
"""Sizes of numbers: of scaled features, and of ages, counts and percentages."""
FREE_SIZES = (32, 224)
"""Pixels of a side that a model leaves open."""


def data_files(package: Path) -> Iterator[tuple[str, str, bytes]]:
    """Files of the package that may hold inputs, with content type and body; those in `calibration/` first."""
    found = [path for path in package.rglob("*") if path.is_file() and CODE not in path.relative_to(package).parts[:1]]
    for path in sorted(found, key=lambda one: ("calibration" not in one.parts, "holdout" not in one.name, one)):
        content_type = CONTENT_TYPES.get(path.suffix.lower())
        if content_type and path.stat().st_size <= LARGEST_FILE:
            yield path.relative_to(package).as_posix(), content_type, path.read_bytes()


def rows_of_file(content_type: str, body: bytes) -> Iterator[Rows]:
    """The first rows of a data file, also without what may be the label: the first or the last column."""
    first = take_rows(body, content_type, range(min(ROWS, row_count(body, content_type) or 0)))
    if not first:
        return
    rows = answer_rows(first, content_type)
    if rows is None and content_type == JSON:
        rows = [json.loads(first)]
    if not rows:
        return
    if content_type == CSV and isinstance(rows[0], list):
        header = next(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
        if all(NAME.fullmatch(name) for name in header) and [*header] != rows[0]:
            rows = [dict(zip(header, row, strict=False)) for row in rows]
    yield rows
    if isinstance(rows[0], dict):
        for name in list(rows[0])[:1] + list(rows[0])[-1:]:
            yield [{key: value for key, value in row.items() if key != name} for row in rows]
        yield from ([row[name] for row in rows] for name in rows[0] if isinstance(rows[0][name], list))
    elif isinstance(rows[0], list) and len(rows[0]) > 1 and not isinstance(rows[0][0], list):
        yield [row[:-1] for row in rows]
        yield [row[1:] for row in rows]


def rows_of_model(described: dict[str, Any], scale: float) -> Iterator[Rows]:
    """Rows with the names, numbers, shapes and values that the loaded model tells, in numbers of this scale."""
    known = described.get("values", {})
    for names in described.get("names", []):
        yield [
            {name: known[name][row % len(known[name])] if name in known else value for name, value in record.items()}
            for row, record in enumerate(_records(names, scale))
        ]
        yield _numbers(len(names), scale)
    for shape in (*described.get("shapes", []), *_inputs_of(described.get("weights", []))):
        yield from _of_shape(shape, scale)


def rows_of_source(source: Source, scale: float) -> Iterator[Rows]:
    """Rows with the names and numbers of features that the handler's source text holds, in numbers of this scale."""
    lists, numbers = [], []
    for tree in source.trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.List | ast.Tuple | ast.Set):
                names = [one.value for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                if names and len(names) == len(node.elts) and all(NAME.fullmatch(name) for name in names):
                    lists.append(names)
            elif isinstance(node, ast.Compare):
                constants = [one.value for one in node.comparators if isinstance(one, ast.Constant)]
                numbers += [one for one in constants if type(one) is int and 0 < one <= 4096]
    for names in sorted(lists, key=len, reverse=True):
        yield _records(names, scale)
        yield _numbers(len(names), scale)
    if keys := [key for key in keys_of_source(source) if key not in WRAPPERS]:
        yield _records(keys, scale)
    yield from (_numbers(number, scale) for number in dict.fromkeys(numbers))


def keys_of_source(source: Source) -> list[str]:
    """The constant keys with which the handler reads mappings: `body["rows"]`, `record.get("age")`, `"x" in body`."""
    keys = []
    for tree in source.trees.values():
        for node in ast.walk(tree):
            value: ast.AST | None = None
            if isinstance(node, ast.Subscript):
                value = node.slice
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                value = node.args[0] if node.args else None
            elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
                value = node.left
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and NAME.fullmatch(value.value):
                keys.append(value.value)
    return list(dict.fromkeys(keys))


def types_of_source(source: Source) -> list[str]:
    """The content types that the handler's source text names and of which a sample can be made."""
    constants = {
        node.value for tree in source.trees.values() for node in ast.walk(tree) if isinstance(node, ast.Constant)
    }
    return [content_type for content_type in dict.fromkeys(CONTENT_TYPES.values()) if content_type in constants]


def pictures() -> Iterator[bytes]:
    """Pictures in PNG with a gradient, in grey and in colours, small and large."""
    for side in FREE_SIZES:
        for colour_type, channels in ((2, 3), (0, 1)):
            line = bytes([0]) + bytes(number % 256 for number in range(side * channels))
            header = struct.pack(">IIBBBBB", side, side, 8, colour_type, 0, 0, 0)
            parts = ((b"IHDR", header), (b"IDAT", zlib.compress(line * side)), (b"IEND", b""))
            yield b"\x89PNG\r\n\x1a\n" + b"".join(
                struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                for kind, data in parts
            )


def rows_of_nothing() -> Iterator[Rows]:
    """Rows for a handler of which nothing is known: texts, then rows of every usual width."""
    yield TEXTS
    yield [{"text": text} for text in TEXTS]
    yield from (_numbers(width, SCALES[0]) for width in range(1, WIDEST + 1))


def _value(row: int, column: int, scale: float) -> float:
    """A number that differs from row to row and from column to column; whole where the scale is 10 or more."""
    value = round((0.5 + (row * 7 + column * 3) % 10 / 10) * scale, 1)
    return int(value) if scale >= 10 else value


def _numbers(width: int, scale: float) -> Rows:
    return [[_value(row, column, scale) for column in range(width)] for row in range(ROWS)]


def _records(names: Sequence[str], scale: float) -> Rows:
    return [dict(zip(names, row, strict=True)) for row in _numbers(len(names), scale)]


def _inputs_of(weights: list[list[int]]) -> Iterator[list[int]]:
    """Shapes of inputs that fit the first weights: either size of a dense layer, channels of a convolution."""
    for shape in weights:
        if len(shape) == 4:
            yield [-1, shape[1], -1, -1]
        elif len(shape) in (1, 2):
            yield from ([-1, size] for size in reversed(shape))


def _of_shape(shape: Sequence[int], scale: float) -> Iterator[Rows]:
    """Rows of an input's shape, whose first size is that of the batch."""
    inner = list(shape[1:])
    for free in FREE_SIZES if inner.count(-1) > 1 else FREE_SIZES[:1]:
        sizes = [free if size == -1 else size for size in inner]
        if 0 < math.prod(sizes) <= MOST_VALUES:
            yield [_nested(sizes, row, scale) for row in range(ROWS)]


def _nested(sizes: Sequence[int], row: int, scale: float) -> Any:
    """Numbers in lists of these sizes; one number where there is none."""
    if not sizes:
        return _value(row, 0, scale)
    if len(sizes) == 1:
        return [_value(row, column, scale) for column in range(sizes[0])]
    return [_nested(sizes[1:], row + number, scale) for number in range(sizes[0])]
