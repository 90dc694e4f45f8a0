"""What is wrong with answers whose status is 2xx, and which answers say the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway_steps.adapters.handlers.answer import Answer, Call, HandlerError
from slipway_steps.handlers.checks import alike, answer_faults, error_in, no_prediction, same
from slipway_steps.handlers.source import Source, read_source

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
NPZ, PARQUET, LINES = "application/x-npz", "application/x-parquet", "application/jsonlines"


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text("def output_fn(prediction, accept):\n    return 1\n")
    return read_source(tmp_path)


def answer(body: bytes, kind: str | None = JSON, made: str = "str", **more: Any) -> Answer:
    return Answer("1", 200, kind, body, size=len(body), calls=(Call("output_fn", 0.1, 0, made),), **more)


@pytest.mark.parametrize(
    ("given", "accept", "code"),
    [
        (answer(b"null", made="NoneType"), JSON, "output-none"),
        (answer(b"null", made="tuple(NoneType, str)"), JSON, "output-none"),
        (answer(b"application/json", "[1]"), JSON, "tuple-swapped"),
        (answer(b'{"error": "no"}'), JSON, "error-as-200"),
        (answer(b"[1]", CSV), JSON, "accept-ignored"),
        (answer(b"[1]", CSV), CSV, "accept-ignored"),
        (answer(b"1,2\n3,4\n"), JSON, "accept-ignored"),
        (answer(b"cat,dog"), JSON, "accept-ignored"),
        (answer(b"\x93NUMPY..."), JSON, "accept-ignored"),
        (answer(b"[1]", NPY), NPY, "accept-ignored"),
        (answer(b"[NaN]"), JSON, "not-json"),
        (answer(b"[1 2]"), JSON, "not-json"),
        (answer(b"{'a': 1}"), JSON, "not-json"),
        (answer(b""), JSON, "not-json"),
        (answer(b"[1]", PARQUET), PARQUET, "accept-ignored"),
        (answer(b"1,2\n", PARQUET), PARQUET, "accept-ignored"),
        (answer(b"[1]", NPZ), NPZ, "accept-ignored"),
        (answer(b"\x93NUMPY", NPZ), NPZ, "accept-ignored"),
        (answer(b"PAR1", NPY), NPY, "accept-ignored"),
        (answer(b'{"a": 1}', "image/png"), "image/png", "accept-ignored"),
        (answer(b'{"a": 1}', "application/x-recordio-protobuf"), "application/x-recordio-protobuf", "accept-ignored"),
        (answer(b"[\n 1,\n 2\n]", LINES), LINES, "accept-ignored"),
        (answer(b"1,2\n3,4\n", LINES), LINES, "accept-ignored"),
        (answer(b"[[1, 2], [3, 4], [5, 6]]", LINES), LINES, "accept-ignored"),
    ],
)
def test_a_fault_of_an_answer_is_named(source: Source, given: Answer, accept: str, code: str) -> None:
    (fault,) = answer_faults(given, "one", accept, source, 3)
    assert (fault.code, str(fault.place)) == (code, "code/inference.py:2")


@pytest.mark.parametrize(
    ("given", "accept"),
    [
        (answer(b"[1, 2]"), JSON),
        (answer(b"[1]", "application/json; charset=utf-8"), JSON),
        (answer(b"[1]"), "text/csv, application/json"),
        (answer(b"[1]"), "*/*"),
        (answer(b"0.5", CSV), CSV),
        (answer(b"[cat]\n[dog]\n", CSV), CSV),
        (answer(b'{"predictions": [1], "error": null}'), JSON),
        (answer(b"\x93NUMPY", NPY), NPY),
        (answer(b"PK\x03\x04", NPZ), NPZ),
        (answer(b"PAR1", PARQUET), PARQUET),
        (answer(b"[1]\n[2]\n[3]\n", LINES), LINES),
        (answer(b"1\n\n2\n", LINES), LINES),
        (answer(b'{"predictions": [1, 2, 3]}', LINES), LINES),
        (answer(b"[0.1, 0.9]", LINES), LINES),
        (answer(b"[1]", "text/plain"), "text/plain"),
        (answer(b"[1]", "application/octet-stream"), "application/octet-stream"),
        (answer(b"[1]", "application/vnd.acme+json"), "application/vnd.acme+json"),
        (answer(b"[1]", "application/x-yaml"), "application/x-yaml"),
    ],
)
def test_an_answer_without_a_fault(source: Source, given: Answer, accept: str) -> None:
    assert list(answer_faults(given, "one", accept, source, 3)) == []


def test_one_line_for_one_row_is_json_lines(source: Source) -> None:
    assert list(answer_faults(answer(b"[7]", LINES), "one", LINES, source, 1)) == []
    assert list(answer_faults(answer(b"[7, 8]", LINES), "one", LINES, source, None)) == []


@pytest.mark.parametrize(
    ("body", "is_error"),
    [
        ({"Error": "x"}, True),
        ({"status": "error"}, True),
        ({"success": False}, True),
        ({"statusCode": 500, "body": "x"}, True),
        ("ValueError: no", True),
        (["Error: no"], True),
        ({"status": "ok", "code": 7}, False),
        ({"label": "error"}, False),
        ("erroneous", False),
        ([1], False),
    ],
)
def test_errors_in_bodies(body: Any, is_error: bool) -> None:
    assert bool(error_in(answer(json.dumps(body).encode()))) is is_error


def test_an_error_that_was_raised_is_one_whatever_the_body() -> None:
    assert error_in(answer(b"[1]", error=HandlerError("predict_fn", "Refused", "no"))) == "Refused: no"


@pytest.mark.parametrize(
    ("body", "nothing"),
    [
        (b"", True),
        (b"[]", True),
        (b"[NaN, NaN]", True),
        (b'{"predictions": []}', True),
        (b"[0.0]", False),
        (b'["a"]', False),
    ],
)
def test_bodies_without_a_prediction(body: bytes, nothing: bool) -> None:
    assert no_prediction(answer(body)) is nothing


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ([1.0], [1.00001], True),
        ([1.0], [1.1], False),
        (["1.0"], [1], True),
        ([float("nan")], [float("nan")], True),
        ({"a": 1, "time": 1}, {"a": 1, "time": 2}, True),
        ({"a": 1}, {"b": 1}, False),
        ([True], [True], True),
        ([1], [1, 2], False),
        ("a", "b", False),
    ],
)
def test_values_that_say_the_same(one: Any, other: Any, equal: bool) -> None:
    assert alike(one, other) is equal


def test_answers_in_csv_are_compared_by_number() -> None:
    assert same(answer(b"1.0,2\n", CSV), answer(b"1.00000001,2\n", CSV))
    assert not same(answer(b"\x00", NPY), answer(b"\x01", NPY))
