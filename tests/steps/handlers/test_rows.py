"""Rows of requests and answers are counted, taken and compared in every form in which models are asked."""

import io
import json
import pickle
from collections.abc import Sequence
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.handler import CSV, JSON, NPY, NPZ, PARQUET
from slipway_steps.handlers.rows import answer_rows, may_be_one_row, row_count, take_rows

LINES = "application/jsonlines"


def npy(value: Any) -> bytes:
    file = io.BytesIO()
    numpy.save(file, numpy.asarray(value))
    return file.getvalue()


def npz(**values: Any) -> bytes:
    file = io.BytesIO()
    numpy.savez(file, **values)
    return file.getvalue()


def parquet(**columns: list[Any]) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    file = io.BytesIO()
    __import__("pyarrow.parquet")
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


JSON_BODIES: list[tuple[Any, int | None, Any]] = [
    # the body, its rows, the body of the rows 2 and 0
    ([[1, 2], [3, 4], [5, 6]], 3, [[5, 6], [1, 2]]),
    ([{"a": 1}, {"a": 2}, {"a": 3}], 3, [{"a": 3}, {"a": 1}]),
    (["x", "ä", "z"], 3, ["z", "x"]),
    ([1, 2, 3], 3, [3, 1]),
    ({"instances": [[1], [2], [3]], "parameters": {"k": 1}}, 3, {"instances": [[3], [1]], "parameters": {"k": 1}}),
    ({"inputs": ["a", "b", "c"]}, 3, {"inputs": ["c", "a"]}),
    ({"inputs": {"ids": [[1], [2], [3]], "mask": [4, 5, 6]}}, 3, {"inputs": {"ids": [[3], [1]], "mask": [6, 4]}}),
    ({"data": [[1], [2], [3]]}, 3, {"data": [[3], [1]]}),
    ({"rows": [{"a": 1}, {}, {"a": 3}]}, 3, {"rows": [{"a": 3}, {"a": 1}]}),
    ({"columns": ["a"], "data": [[1], [2], [3]]}, 3, {"columns": ["a"], "data": [[3], [1]]}),
    (
        {"columns": ["a"], "index": [7, 8, 9], "data": [[1], [2], [3]]},
        3,
        {"columns": ["a"], "index": [9, 7], "data": [[3], [1]]},
    ),
    (
        {"dataframe_split": {"columns": ["a"], "data": [[1], [2], [3]]}},
        3,
        {"dataframe_split": {"columns": ["a"], "data": [[3], [1]]}},
    ),
    ({"a": [1, 2, 3], "b": ["x", "y", "z"]}, 3, {"a": [3, 1], "b": ["z", "x"]}),
    ({"text": ["x", "y", "z"]}, 3, {"text": ["z", "x"]}),
    ({"features": [[1, 2], [3, 4], [5, 6]]}, 3, {"features": [[5, 6], [1, 2]]}),
    # nobody can tell
    ({"features": [1, 2, 3]}, None, None),
    ({"a": [1, 2], "b": [1]}, None, None),
    ({"a": {"b": 1}}, None, None),
    ({"columns": ["a"], "index": [1], "data": [[1], [2]]}, None, None),
    ({"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP32", "data": [1, 2]}]}, None, None),
    ({"inputs": {"a": {}}}, None, None),
    ({}, None, None),
    (3, None, None),
    ("text", None, None),
    (None, None, None),
]


@pytest.mark.parametrize(("body", "count", "taken"), JSON_BODIES)
def test_rows_of_json_in_all_forms(body: Any, count: int | None, taken: Any) -> None:
    sent = json.dumps(body).encode()
    assert row_count(sent, JSON) == count
    got = take_rows(sent, JSON, [2, 0])
    assert (json.loads(got) if got is not None else None) == taken


@pytest.mark.parametrize("body", [{"a": 1, "b": "x"}, {"inputs": "one text"}, {"inputs": {"a": 1}}, [[1, 2]]])
def test_one_row_stays_as_it_is(body: Any) -> None:
    sent = json.dumps(body).encode()
    assert row_count(sent, JSON) == 1
    assert json.loads(take_rows(sent, JSON, [0]) or b"") == body
    assert take_rows(sent, JSON, [0, 0]) is not None
    with pytest.raises(IndexError):
        take_rows(sent, JSON, [1])


@pytest.mark.parametrize("content_type", [LINES, "application/x-ndjson", JSON])
def test_rows_of_json_lines(content_type: str) -> None:
    body = b'{"a": 1}\n\n{"a": 2}\r\n{"a": 3}'
    assert row_count(body, content_type) == 3
    assert take_rows(body, content_type, [2, 0]) == b'{"a": 3}\n{"a": 1}\n'
    assert answer_rows(body, content_type) == [{"a": 1}, {"a": 2}, {"a": 3}]


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
    assert row_count(body.encode(), CSV) == count
    if taken is not None:
        assert take_rows(body.encode(), CSV, [2, 0]) == taken.encode()


def test_rows_of_arrays() -> None:
    body = npy([[1.5, 2], [3, 4], [5, 6]])
    assert row_count(body, NPY) == 3
    assert answer_rows(take_rows(body, NPY, [2, 0]) or b"", NPY) == [[5.0, 6.0], [1.5, 2.0]]
    body = npz(x=[[1], [2], [3]], y=[4, 5, 6])
    assert row_count(body, NPZ) == 3
    assert answer_rows(take_rows(body, NPZ, [2, 0]) or b"", NPZ) == [{"x": [3], "y": 6}, {"x": [1], "y": 4}]
    assert answer_rows(npz(x=[[1], [2]]), NPZ) == [[1], [2]]
    for content_type, unclear in (
        (NPY, npy(3.0)),
        (NPY, npz(x=[1])),
        (NPY, npy([{}])),
        (NPY, body[:-40]),
        (NPZ, npy([1])),
        (NPZ, npz(x=[1], y=[1, 2])),
        (NPZ, npz(x=3)),
        (NPZ, npz(x=[{}])),
        (NPZ, npz()),
        (NPZ, body[:-40]),
    ):
        assert row_count(unclear, content_type) is None
        assert answer_rows(unclear, content_type) is None


def test_no_pickle_is_ever_loaded() -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("a pickle was loaded",))

    evil = io.BytesIO()
    numpy.lib.format.write_array(evil, numpy.array([Evil()], dtype=object), allow_pickle=True)
    for body in (pickle.dumps(Evil()), evil.getvalue()):
        assert row_count(body, NPY) is None
        assert row_count(body, NPZ) is None


def test_a_claimed_size_is_not_believed() -> None:
    body = npy([[1.0]]).replace(b"(1, 1)", b"(9999999999999, 9)")
    assert row_count(body, NPY) is None


def test_rows_of_parquet() -> None:
    body = parquet(a=[1, 2, 3], b=["x", "y", "z"])
    assert row_count(body, PARQUET) == 3
    assert answer_rows(take_rows(body, PARQUET, [2, 0]) or b"", PARQUET) == [{"a": 3, "b": "z"}, {"a": 1, "b": "x"}]
    assert row_count(body[:-9], PARQUET) is None


def test_without_pyarrow_rows_of_parquet_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert row_count(b"PAR1", PARQUET) is None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("image/png", b"\x89PNG"),
        ("text/plain", b"a\nb\n"),
        ("application/octet-stream", b"x"),
        ("", b"[1]"),
        (JSON, b""),
        (JSON, b"{"),
        (JSON, b"\xff\xfe"),
        (JSON, b"[" * 100_000),
        (LINES, b"{\n"),
        (CSV, b""),
        (CSV, b"\n \n"),
        (CSV, b"\xff\xfe\n"),
        (CSV, b"x" * 200_000),
        (NPY, b""),
        (NPZ, b"PK\x03\x04"),
    ],
)
def test_what_has_no_rows(content_type: str, body: bytes) -> None:
    assert row_count(body, content_type) is None
    assert take_rows(body, content_type, [0]) is None
    assert answer_rows(body, content_type) is None


def test_a_parameter_of_the_content_type_does_not_matter() -> None:
    assert row_count(b"[[1], [2]]", "Application/JSON; charset=utf-8") == 2


def test_no_rows_are_no_request() -> None:
    assert take_rows(b"[[1], [2]]", JSON, []) is None
    assert take_rows(b"1\n2\n", CSV, []) is None
    with pytest.raises(IndexError):
        take_rows(b"[[1], [2]]", JSON, [2])


def test_a_list_of_plain_values_may_be_one_row() -> None:
    for body in (b"[5.1, 3.5]", b'["Bern", 2]', b'{"instances": [1, 2]}', b'{"inputs": {"data": ["a", "b"]}}'):
        assert may_be_one_row(body, JSON)
    for body in (b"[5.1]", b"[[1, 2]]", b"[{}, {}]", b"{", b'{"a": 1}', b"3", b"1\n2\n"):
        assert not may_be_one_row(body, JSON)
    assert not may_be_one_row(b"1,2", CSV)


def test_answers_are_comparable_whatever_their_format() -> None:
    for body in (b"[0, 1.5]", b'{"predictions": [0, 1.5], "model": "v1"}', b'{"outputs": [0, 1.5]}', b"0\n1.5\n"):
        assert answer_rows(body, JSON) == [0, 1.5]
    assert answer_rows(b"0\n1.5\n", CSV) == [0, 1.5]
    assert answer_rows(b"prediction\n0\n1.5", CSV) == [0, 1.5]
    assert answer_rows(npy([0, 1.5]), NPY) == [0, 1.5]
    assert answer_rows(b"cat,0.5\ndog,0.25\n", CSV) == [["cat", 0.5], ["dog", 0.25]]
    assert answer_rows(b'{"label": ["a", "b"], "p": [1, 2]}', JSON) == [{"label": "a", "p": 1}, {"label": "b", "p": 2}]
    assert answer_rows(b'{"label": ["a", "b"], "p": [1]}', JSON) is None
    assert answer_rows(b'{"label": "a"}', JSON) is None
    assert answer_rows(b"3", JSON) is None


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9)
SCALARS = NUMBERS | st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.booleans() | st.none()


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, str, int]:
    """A body, its content type and its number of rows."""
    size = draw(st.integers(1, 6))
    width = draw(st.integers(1, 4))
    table = [[draw(NUMBERS) for _ in range(width)] for _ in range(size)]
    names = [f"c{number}" for number in range(width)]
    form = draw(
        st.sampled_from(["list", "records", "columns", "split", "instances", "texts", "lines", "csv", "npy", "npz"])
    )
    if form in {"csv", "npy", "npz"}:
        if form == "csv":
            end = draw(st.sampled_from(["\n", "\r\n"]))
            header = [names] if draw(st.booleans()) else []
            text = end.join(",".join(map(str, row)) for row in header + table) + draw(st.sampled_from(["", end]))
            return text.encode(), CSV, size
        return (npy(table), NPY, size) if form == "npy" else (npz(x=table, y=list(range(size))), NPZ, size)
    if form == "lines":
        return "\n".join(json.dumps(row) for row in table).encode(), LINES, size
    records = [dict(zip(names, row, strict=True)) for row in table]
    value = {
        "list": table,
        "records": records,
        "columns": {**{name: [one[name] for one in records] for name in names}, "id": [f"r{n}" for n in range(size)]},
        "split": {"columns": names, "data": table},
        "instances": {"instances": records},
        "texts": [draw(SCALARS) for _ in range(size)],
    }[form]
    return json.dumps(value).encode(), JSON, size


@given(bodies(), st.data())
def test_as_many_rows_are_taken_as_asked_for(sent: tuple[bytes, str, int], data: st.DataObject) -> None:
    body, content_type, size = sent
    assert row_count(body, content_type) == size
    chosen: Sequence[int] = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=8))
    taken = take_rows(body, content_type, chosen)
    assert taken is not None
    assert row_count(taken, content_type) == len(chosen)
    whole = take_rows(body, content_type, range(size))
    assert whole is not None
    assert answer_rows(whole, content_type) == answer_rows(body, content_type)
    # a part of a part is that part
    assert take_rows(taken, content_type, [0]) == take_rows(body, content_type, [chosen[0]])


@given(bodies(), st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=3)), max_size=4))
def test_no_body_makes_an_error(sent: tuple[bytes, str, int], damages: list[tuple[int, bytes]]) -> None:
    body, content_type, _ = sent
    for place, damage in damages:
        start = place % len(body)
        body = body[:start] + damage + body[start + len(damage) :]
    answer_rows(body, content_type)
    if row_count(body, content_type):
        assert take_rows(body, content_type, [0]) is not None
