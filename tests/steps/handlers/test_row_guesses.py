"""What rows a handler may take is guessed from files, models and source text."""

import ast
import io
from pathlib import Path

import numpy
import pytest

from slipway_steps.domain.handler import CSV, JSON, NPZ
from slipway_steps.handlers.row_guesses import (
    data_files,
    keys_of_source,
    pictures,
    rows_of_file,
    rows_of_model,
    rows_of_source,
    types_of_source,
)
from slipway_steps.handlers.source import Source


def source(text: str) -> Source:
    return Source({"inference.py": text.splitlines()}, {"inference.py": ast.parse(text)})


def test_data_of_the_package_come_in_the_order_of_their_use(tmp_path: Path) -> None:
    for name in ("code/rows.csv", "zebra.json", "calibration/b.csv", "holdout.npz", "model.onnx", "payloads/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    assert [name for name, _, _ in data_files(tmp_path)] == [
        "calibration/b.csv",
        "holdout.npz",
        "payloads/a.csv",
        "zebra.json",
    ]


def test_rows_of_a_file_are_records_where_it_has_a_header() -> None:
    found = list(rows_of_file(CSV, b"age,kind,label\n1,x,0\n2,y,1\n3,z,0\n4,x,1\n"))
    assert found[0] == [
        {"age": 1, "kind": "x", "label": 0},
        {"age": 2, "kind": "y", "label": 1},
        {"age": 3, "kind": "z", "label": 0},
    ]
    assert [list(rows[0]) for rows in found[1:]] == [["kind", "label"], ["age", "kind"]]
    found = list(rows_of_file(CSV, b"1,2,3\n4,5,6\n7,8,9\n"))
    assert [rows[0] for rows in found] == [[1, 2, 3], [1, 2], [2, 3]]
    assert next(rows_of_file(CSV, b"1,2\n")) == [[1, 2]]
    assert next(rows_of_file(JSON, b'{"epochs": 3, "name": "x"}')) == [{"epochs": 3, "name": "x"}]
    assert list(rows_of_file(JSON, b'{"nested": {}}')) == []
    assert list(rows_of_file(JSON, b"[]")) == []
    assert list(rows_of_file(JSON, b"[{}")) == []


def test_arrays_of_a_file_are_also_taken_one_by_one() -> None:
    file = io.BytesIO()
    numpy.savez(file, images=numpy.arange(24).reshape(4, 3, 2), labels=numpy.arange(4))
    found = list(rows_of_file(NPZ, file.getvalue()))
    assert found[0][0] == {"images": [[0, 1], [2, 3], [4, 5]], "labels": 0}
    assert found[-1][0] == [[0, 1], [2, 3], [4, 5]]


def test_rows_of_a_model() -> None:
    told = {
        "names": [["a", "b"]],
        "shapes": [[-1, 3], [-1, 2, -1, -1]],
        "weights": [[5, 4], [8, 3, 5, 5]],
        "values": {"b": ["x", "y"]},
    }
    found = list(rows_of_model(told, 1.0))
    assert found[0] == [{"a": 0.5, "b": "x"}, {"a": 1.2, "b": "y"}, {"a": 0.9, "b": "x"}]
    assert [len(rows[0]) for rows in found[1:3]] == [2, 3]
    shapes = [numpy.array(rows).shape[1:] for rows in found[1:]]
    assert shapes == [(2,), (3,), (2, 32, 32), (2, 224, 224), (4,), (5,), (3, 32, 32), (3, 224, 224)]
    assert list(rows_of_model({}, 1.0)) == []
    assert list(rows_of_model({"shapes": [[-1, 10**9]]}, 1.0)) == []


def test_rows_of_source_text() -> None:
    text = 'FIELDS = ["age", "income"]\nTYPES = ("text/csv",)\ndef input_fn(d, c):\n'
    text += '    if len(d) != 7: d["rows"]\n    d.get("debt")\n'
    found = list(rows_of_source(source(text), 40.0))
    assert found[0][0] == {"age": 20, "income": 32}
    assert [list(rows[0]) for rows in found if isinstance(rows[0], dict)] == [["age", "income"], ["debt"]]
    assert [len(rows[0]) for rows in found if isinstance(rows[0], list)] == [2, 7]
    assert set(keys_of_source(source(text))) == {"rows", "debt"}
    assert keys_of_source(source('"x" in body and body.get() or body[0]')) == ["x"]
    assert types_of_source(source('A = ("text/csv", "image/png", "text/html")')) == [CSV, "image/png"]


def test_pictures_are_pictures() -> None:
    image = pytest.importorskip("PIL.Image")
    opened = [image.open(io.BytesIO(body)) for body in pictures()]
    assert [(one.mode, one.size) for one in opened] == [
        ("RGB", (32, 32)),
        ("L", (32, 32)),
        ("RGB", (224, 224)),
        ("L", (224, 224)),
    ]
    assert all(one.convert("RGB").getpixel((5, 5)) for one in opened)
