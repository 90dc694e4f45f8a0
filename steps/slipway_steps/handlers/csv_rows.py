"""The rows of CSV bodies, with and without a header."""

import csv
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

from slipway_steps.handlers.table import Table, as_number

MISSING = {"", "na", "n/a", "null", "none"}
"""Cells that hold nothing, in small letters; they tell nothing of their column."""


class _Record(NamedTuple):
    """One record: its text as it was sent, and its cells."""

    text: str
    cells: list[str]


def read_csv(body: bytes) -> Table | None:
    """The rows of a CSV body without its header and its empty lines. The first record is a header where one of its
    cells is text and all below it are numbers. None for a body that is no CSV.
    """
    records = _records(body)
    if records is None:
        return None
    header, rows = (records[:1], records[1:]) if _has_header(records) else ([], records)
    ends_line = body.endswith((b"\n", b"\r"))

    def take(numbers: Sequence[int]) -> bytes:
        texts = [record.text for record in (*header, *(rows[number] for number in numbers))]
        text = "".join(text if text.endswith(("\n", "\r")) else text + "\n" for text in texts)
        return (text if ends_line else text.rstrip("\r\n")).encode()

    return Table(len(rows), take, lambda: [_value(record.cells) for record in rows])


def _records(body: bytes) -> list[_Record] | None:
    """The records that are not empty; None where there is none."""
    try:
        lines = list(io.StringIO(body.decode("utf-8"), newline=""))
        reader = csv.reader(lines)
        records, start = [], 0
        for cells in reader:
            text = "".join(lines[start : reader.line_num])
            start = reader.line_num
            if cells and text.strip():
                records.append(_Record(text, [cell.strip().lstrip("\ufeff") for cell in cells]))
    except (UnicodeDecodeError, csv.Error):
        return None
    return records or None


def _has_header(records: list[_Record]) -> bool:
    first, *below = (record.cells for record in records)
    for column, name in enumerate(first):
        if name.lower() in MISSING or as_number(name) is not None:
            continue
        cells = [row[column] for row in below if column < len(row) and row[column].lower() not in MISSING]
        if cells and all(as_number(cell) is not None for cell in cells):
            return True
    return False


def _value(cells: list[str]) -> Any:
    """The cells with numbers as numbers; a record of one cell is that cell."""
    values = [cell if (number := as_number(cell)) is None else number for cell in cells]
    return values[0] if len(values) == 1 else values
