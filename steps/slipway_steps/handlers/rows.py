"""Counts, cuts and compares the rows of requests and answers, whatever their format."""

from collections.abc import Callable, Sequence
from typing import Any

from slipway_steps.domain.handler import CSV, JSON, NPY, NPZ, PARQUET
from slipway_steps.handlers import json_rows
from slipway_steps.handlers.array_rows import read_npy, read_npz, read_parquet
from slipway_steps.handlers.csv_rows import read_csv
from slipway_steps.handlers.json_rows import read_json, read_json_answer, read_json_lines
from slipway_steps.handlers.table import Table

READERS: dict[str, Callable[[bytes], Table | None]] = {
    JSON: read_json,
    CSV: read_csv,
    NPY: read_npy,
    NPZ: read_npz,
    PARQUET: read_parquet,
    **dict.fromkeys(("application/jsonlines", "application/x-jsonlines", "application/x-ndjson"), read_json_lines),
}


def row_count(body: bytes, content_type: str) -> int | None:
    """How many rows a request has; None where that cannot be told. A parameter of the content type does not matter.

    Of a list of plain values each counts as a row; `may_be_one_row` tells such a list.
    """
    table = _read(body, content_type)
    return table.size if table else None


def take_rows(body: bytes, content_type: str, rows: Sequence[int]) -> bytes | None:
    """The same request with only the rows of these numbers (from 0), in that order and in the same form.

    None where the rows cannot be told, and for no rows at all, as that is another kind of request. Raises IndexError.
    """
    table = _read(body, content_type)
    return table.take(rows) if table and rows else None


def answer_rows(body: bytes, content_type: str) -> list[Any] | None:
    """The rows of an answer as plain values that can be compared, the same whether they came as JSON, CSV or an array:
    numbers, text, and lists and objects of them. None where the rows cannot be told.
    """
    if _plain(content_type) == JSON:
        return read_json_answer(body)
    table = _read(body, content_type)
    return table.values() if table else None


def may_be_one_row(body: bytes, content_type: str) -> bool:
    """Whether a request is a list of plain values in JSON, which may be many rows or many features of one row."""
    return _plain(content_type) == JSON and json_rows.is_flat(body)


def _read(body: bytes, content_type: str) -> Table | None:
    reader = READERS.get(_plain(content_type))
    return reader(body) if reader else None


def _plain(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
