"""Rows of JSON are counted and taken in every form in which models are asked."""

import json
from typing import Any

import pytest

from slipway_steps.handlers.json_rows import is_flat, read_json, read_json_answer, read_json_lines

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
    table = read_json(json.dumps(body).encode())
    assert (table.size if table else None) == count
    assert (json.loads(table.take([2, 0])) if table else None) == taken


@pytest.mark.parametrize("body", [{"a": 1, "b": "x"}, {"inputs": "one text"}, {"inputs": {"a": 1}}, [[1, 2]]])
def test_one_row_stays_as_it_is(body: Any) -> None:
    table = read_json(json.dumps(body).encode())
    assert table is not None
    assert table.size == 1
    assert json.loads(table.take([0])) == body
    assert len(json.loads(table.take([0, 0]))) >= 1
    with pytest.raises(IndexError):
        table.take([1])


@pytest.mark.parametrize("read", [read_json, read_json_lines])
def test_rows_of_json_lines(read: Any) -> None:
    body = b'{"a": 1}\n\n{"a": 2}\r\n{"a": 3}'
    table = read(body)
    assert table.size == 3
    assert table.take([2, 0]) == b'{"a": 3}\n{"a": 1}\n'
    assert table.values() == read_json_answer(body) == [{"a": 1}, {"a": 2}, {"a": 3}]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"{\n", b"[1]\n{"])
def test_what_is_no_json_has_no_rows(body: bytes) -> None:
    assert read_json(body) is None
    assert read_json_answer(body) is None
    assert not is_flat(body)


@pytest.mark.parametrize(
    ("body", "flat"),
    [
        (b"[5.1, 3.5]", True),
        (b'["Bern", 2]', True),
        (b'{"instances": [1, 2]}', True),
        (b'{"inputs": {"data": ["a", "b"]}}', True),
        (b"[5.1]", False),
        (b"[[1, 2]]", False),
        (b"[{}, {}]", False),
        (b'{"a": 1}', False),
        (b"3", False),
        (b"1\n2\n", False),
    ],
)
def test_a_list_of_plain_values_may_be_one_row(body: bytes, flat: bool) -> None:
    assert is_flat(body) is flat


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        (b'{"predictions": [0, 1], "outputs": [2]}', [0, 1]),
        (b'{"data": [0, 1]}', [0, 1]),
        (b'{"a": ["x", "y"], "b": [1, 2]}', [{"a": "x", "b": 1}, {"a": "y", "b": 2}]),
        (b'{"a": ["x"], "b": [1, 2]}', None),
        (b"{}", None),
        (b"3", None),
        (b"[]", []),
    ],
)
def test_the_rows_of_an_answer(answer: bytes, rows: list[Any] | None) -> None:
    assert read_json_answer(answer) == rows


def test_text_stays_as_it_was_sent() -> None:
    table = read_json('["ä", "b"]'.encode())
    assert table is not None
    assert table.take([0]) == '["ä"]'.encode()
