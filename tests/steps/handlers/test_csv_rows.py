"""Rows of CSV, with and without a header, are counted and taken as they were sent."""

from typing import Any

import pytest

from slipway_steps.handlers.csv_rows import read_csv


@pytest.mark.parametrize(
    ("body", "count", "taken"),
    [
        ("1,2\n3,4\n5,6\n", 3, "5,6\n1,2\n"),
        ("1,2\n3,4\n5,6", 3, "5,6\n1,2"),
        ("a,b\n1,2\n3,4\n5,6\n", 3, "a,b\n5,6\n1,2\n"),
        ("a,b\r\n1,2\r\n3,4\r\n5,6\r\n", 3, "a,b\r\n5,6\r\n1,2\r\n"),
        ("name,age\nAnna,3\nBo,\nCy,5\n", 3, "name,age\nCy,5\nAnna,3\n"),
        ("Anna,3\nBo,4\nCy,5\n", 3, "Cy,5\nAnna,3\n"),
        ('"a ""text"", with\ntwo lines",1\nb,2\n"c",3\n', 3, '"c",3\n"a ""text"", with\ntwo lines",1\n'),
        ("\n1\n\n2\n \n3\n\n", 3, "3\n1\n"),
        ("1,nan\n,2\n3,1e5\n", 3, "3,1e5\n1,nan\n"),
        ("\ufeff1,2\n3,4\n5,6\n", 3, "5,6\n\ufeff1,2\n"),
        ("good\nbad\nfair\n", 3, "fair\ngood\n"),
        ("a,b\n", 1, None),
        ("1_0\n2\n", 1, None),
    ],
)
def test_rows_of_csv(body: str, count: int, taken: str | None) -> None:
    table = read_csv(body.encode())
    assert table is not None
    assert table.size == count
    if taken is not None:
        assert table.take([2, 0]) == taken.encode()


@pytest.mark.parametrize("body", [b"", b"\n \n", b"\xff\xfe\n", b"x" * 200_000])
def test_what_is_no_csv_has_no_rows(body: bytes) -> None:
    assert read_csv(body) is None


@pytest.mark.parametrize(
    ("body", "values"),
    [
        (b"name,age\nAnna,3\nBo,\n", [["Anna", 3.0], ["Bo", ""]]),
        (b"1\n 2.5 \n1e3\n", [1.0, 2.5, 1000.0]),
        (b"a,1_000\n", [["a", "1_000"]]),
        (b"score\nNA\n0.5\n", ["NA", 0.5]),
        (b"name,score\nNA,none\n", [["name", "score"], ["NA", "none"]]),
        (b"1,2\n3\n", [[1.0, 2.0], 3.0]),
    ],
    ids=["header", "one column", "no number", "missing", "nothing known", "ragged"],
)
def test_cells_that_are_numbers_are_numbers(body: bytes, values: list[Any]) -> None:
    table = read_csv(body)
    assert table is not None
    assert table.values() == values
