"""What rows a handler may take is guessed from files, models and source text."""

import ast
import io
import json
from pathlib import Path

import numpy
import pytest

from slipway_steps.domain.handler import CSV, JSON, NPY, NPZ, PARQUET
from slipway_steps.handlers.request_forms import Rows, forms
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


def written(content_type: str, rows: Rows) -> list[bytes]:
    return [body for form in forms(content_type, ["x"]) if (body := form.write(rows)) is not None]


def test_rows_in_the_forms_of_each_content_type() -> None:
    records, lists, texts = [{"a": 1, "b": 2}], [[1, 2]], ["t"]
    parsed = [json.loads(body) for body in written(JSON, records)]
    for form in (records, {"instances": records}, {"x": records}, records[0], {"x": records[0]}):
        assert form in parsed
    split = {"columns": ["a", "b"], "data": lists}
    assert split in parsed
    assert {"dataframe_split": split} in parsed
    assert written(CSV, records) == [b"a,b\n1,2\n", b"1,2\n"]
    assert written(CSV, lists) == [b"1,2\n"]
    assert written(CSV, ["a, b"]) == [b'"a, b"\n']
    assert written(CSV, [[[1]]]) == []
    kinds = [numpy.load(io.BytesIO(body)).dtype.name for body in written(NPY, lists)]
    assert kinds == ["float32", "float64", "uint8", "int64"]
    assert len(written(NPY, [[0.5, 300]])) == 3
    assert written(NPY, texts) == written(NPY, [[1], [1, 2]]) == []
    assert numpy.load(io.BytesIO(written(NPZ, records)[0]))["arr_0"].tolist() == lists
    assert written("text/plain", texts) == []


def test_rows_as_parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(__import__("sys").modules, "pyarrow", None)
        assert written(PARQUET, [[1, 2]]) == []
    pytest.importorskip("pyarrow")
    from slipway_steps.handlers.rows import answer_rows

    assert answer_rows(written(PARQUET, [[1, 2]])[0], PARQUET) == [{"0": 1, "1": 2}]
    assert answer_rows(written(PARQUET, ["t"])[0], PARQUET) == [{"0": "t"}]
    assert written(PARQUET, [[1], ["x"]]) == []
