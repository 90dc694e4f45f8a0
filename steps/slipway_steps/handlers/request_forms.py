"""Writes rows as bodies of requests, in the forms in which models are asked."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from slipway_steps.domain.handler import CSV, JSON, NPY, NPZ, PARQUET

Rows = Sequence[Any]
"""Rows of one kind: lists of numbers, nested lists, records, or texts."""
WRAPPERS = ("instances", "inputs", "data", "rows", "dataframe_records")


class Form(NamedTuple):
    """A way to write rows. `many`: whether it can hold several. `write` gives None for rows that it cannot hold."""

    many: bool
    write: Callable[[Rows], bytes | None]


def forms(content_type: str, keys: Sequence[str]) -> Iterator[Form]:
    """The forms of bodies of a content type, the usual ones first. keys: names under which a handler may want rows."""
    if content_type == JSON:
        yield Form(True, _dump)
        for key in dict.fromkeys((*WRAPPERS, *keys)):
            yield Form(True, partial(_under, key))
        yield Form(True, _split)
        for key in dict.fromkeys(("dataframe_split", *keys)):
            yield Form(True, partial(_split_under, key))
        yield Form(False, _one)
        for key in dict.fromkeys(("inputs", *keys)):
            yield Form(False, partial(_one_under, key))
    elif content_type == CSV:
        yield Form(True, _csv)
        yield Form(True, _csv_without_header)
    elif content_type in (NPY, NPZ):
        for kind in ("float32", "float64", "uint8", "int64"):
            yield Form(True, partial(_array, kind, content_type))
    elif content_type == PARQUET:
        yield Form(True, _parquet)


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def _under(key: str, rows: Rows) -> bytes:
    return _dump({key: rows})


def _one(rows: Rows) -> bytes:
    return _dump(rows[0])


def _one_under(key: str, rows: Rows) -> bytes:
    return _dump({key: rows[0]})


def _split(rows: Rows) -> bytes | None:
    return _dump(_columns(rows)) if isinstance(rows[0], dict) else None


def _split_under(key: str, rows: Rows) -> bytes | None:
    return _dump({key: _columns(rows)}) if isinstance(rows[0], dict) else None


def _columns(rows: Rows) -> dict[str, Any]:
    return {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}


def _csv(rows: Rows) -> bytes | None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if isinstance(rows[0], dict):
        writer.writerow(rows[0])
    for row in rows:
        cells = list(row.values()) if isinstance(row, dict) else row if isinstance(row, list) else [row]
        if any(isinstance(cell, list | dict) for cell in cells):
            return None
        writer.writerow(cells)
    return text.getvalue().encode()


def _csv_without_header(rows: Rows) -> bytes | None:
    return _csv([list(row.values()) for row in rows]) if isinstance(rows[0], dict) else None


def _array(kind: str, content_type: str, rows: Rows) -> bytes | None:
    import numpy

    values = [list(row.values()) for row in rows] if isinstance(rows[0], dict) else rows
    file = io.BytesIO()
    try:
        array = numpy.asarray(values)
        if array.dtype.kind not in "iufb" or (
            kind == "uint8" and (array.dtype.kind != "i" or array.min() < 0 or array.max() > 255)
        ):
            return None
        if content_type == NPY:
            numpy.save(file, array.astype(kind), allow_pickle=False)
        else:
            numpy.savez(file, array.astype(kind))
    except (ValueError, TypeError, OverflowError):  # rows of several lengths, or texts
        return None
    return file.getvalue()


def _parquet(rows: Rows) -> bytes | None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return None
    records = (
        rows
        if isinstance(rows[0], dict)
        else [dict(enumerate(row if isinstance(row, list) else [row])) for row in rows]
    )
    file = io.BytesIO()
    try:
        table = pyarrow.Table.from_pylist([{str(name): value for name, value in record.items()} for record in records])
        pyarrow.parquet.write_table(table, file)
    except pyarrow.ArrowException:
        return None
    return file.getvalue()
