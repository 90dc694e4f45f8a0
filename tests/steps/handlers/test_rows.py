"""Rows of requests and answers are counted, taken and compared in every form in which models are asked."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps.handlers.arrays import npy, npz

from slipway_steps.domain.handler import CSV, JSON, NPY, NPZ
from slipway_steps.handlers.rows import answer_rows, may_be_one_row, row_count, take_rows

LINES = "application/jsonlines"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("image/png", b"\x89PNG"),
        ("text/plain", b"a\nb\n"),
        ("application/octet-stream", b"x"),
        ("", b"[1]"),
        (JSON, b"{"),
        (LINES, b"{\n"),
        (CSV, b""),
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


def test_only_json_may_hold_one_row_as_a_plain_list() -> None:
    assert may_be_one_row(b"[5.1, 3.5]", "application/json; charset=utf-8")
    assert not may_be_one_row(b"[[5.1, 3.5]]", JSON)
    assert not may_be_one_row(b"[5.1, 3.5]", CSV)


def test_no_rows_are_no_request() -> None:
    assert take_rows(b"[[1], [2]]", JSON, []) is None
    assert take_rows(b"1\n2\n", CSV, []) is None
    with pytest.raises(IndexError):
        take_rows(b"[[1], [2]]", JSON, [2])


def test_answers_are_comparable_whatever_their_format() -> None:
    for body in (b"[0, 1.5]", b'{"predictions": [0, 1.5], "model": "v1"}', b'{"outputs": [0, 1.5]}', b"0\n1.5\n"):
        assert answer_rows(body, JSON) == [0, 1.5]
    assert answer_rows(b"0\n1.5\n", CSV) == [0, 1.5]
    assert answer_rows(b"prediction\n0\n1.5", CSV) == [0, 1.5]
    assert answer_rows(npy([0, 1.5]), NPY) == [0, 1.5]
    assert answer_rows(b"cat,0.5\ndog,0.25\n", CSV) == [["cat", 0.5], ["dog", 0.25]]


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
