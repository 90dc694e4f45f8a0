"""Arrays and tables as the bodies of requests."""

import io
from typing import Any

import numpy
import pytest


def npy(value: Any) -> bytes:
    """One array as a file."""
    file = io.BytesIO()
    numpy.save(file, numpy.asarray(value))
    return file.getvalue()


def npz(**values: Any) -> bytes:
    """An archive of arrays."""
    file = io.BytesIO()
    numpy.savez(file, **values)
    return file.getvalue()


def parquet(**columns: list[Any]) -> bytes:
    """A Parquet file with these columns; the test is skipped where pyarrow is not installed."""
    pyarrow = pytest.importorskip("pyarrow")
    file = io.BytesIO()
    __import__("pyarrow.parquet")
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()
