"""Rows of arrays and of Parquet are counted and taken, and nothing in them is ever run."""

import io
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from steps.handlers.arrays import npy, npz, parquet

from slipway_steps.handlers.array_rows import read_npy, read_npz, read_parquet
from slipway_steps.handlers.table import Table

ARCHIVE = npz(x=[[1], [2], [3]], y=[4, 5, 6])
Reader = Callable[[bytes], Table | None]


@pytest.mark.parametrize(
    ("read", "body", "taken"),
    [
        (read_npy, npy([[1.5, 2], [3, 4], [5, 6]]), [[5.0, 6.0], [1.5, 2.0]]),
        (read_npy, npy(["a", "b", "c"]), ["c", "a"]),
        (read_npz, ARCHIVE, [{"x": [3], "y": 6}, {"x": [1], "y": 4}]),
        (read_npz, npz(x=[[1], [2], [3]]), [[3], [1]]),
    ],
)
def test_rows_of_arrays(read: Reader, body: bytes, taken: list[Any]) -> None:
    table = read(body)
    assert table is not None
    assert table.size == 3
    part = read(table.take([2, 0]))
    assert part is not None
    assert part.values() == taken


def test_an_array_keeps_its_type_when_rows_are_taken() -> None:
    table = read_npy(npy(numpy.array([[1], [2]], dtype="uint8")))
    assert table is not None
    assert numpy.load(io.BytesIO(table.take([1]))).dtype.name == "uint8"


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (read_npy, npy(3.0)),
        (read_npy, npz(x=[1])),
        (read_npy, npy([{}])),
        (read_npy, npy([[1.0]])[:-4]),
        (read_npy, npy([[1.0]]).replace(b"(1, 1)", b"(9999999999999, 9)")),
        (read_npy, b""),
        (read_npz, npy([1])),
        (read_npz, npz(x=[1], y=[1, 2])),
        (read_npz, npz(x=3)),
        (read_npz, npz(x=[{}])),
        (read_npz, npz()),
        (read_npz, ARCHIVE[:-40]),
        (read_npz, b"PK\x03\x04"),
    ],
)
def test_where_nobody_can_tell_the_rows(read: Reader, body: bytes) -> None:
    assert read(body) is None


@pytest.mark.parametrize("read", [read_npy, read_npz])
def test_no_pickle_is_ever_loaded(read: Reader) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("a pickle was loaded",))

    evil = io.BytesIO()
    numpy.lib.format.write_array(evil, numpy.array([Evil()], dtype=object), allow_pickle=True)
    for body in (pickle.dumps(Evil()), evil.getvalue()):
        assert read(body) is None


def test_rows_of_parquet() -> None:
    body = parquet(a=[1, 2, 3], b=["x", "y", "z"])
    table = read_parquet(body)
    assert table is not None
    assert table.size == 3
    part = read_parquet(table.take([2, 0]))
    assert part is not None
    assert part.values() == [{"a": 3, "b": "z"}, {"a": 1, "b": "x"}]
    assert read_parquet(body[:-9]) is None


def test_without_pyarrow_rows_of_parquet_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert read_parquet(b"PAR1") is None
