"""Rows are written as bodies of requests, in the forms in which models are asked."""

import io
import json
import sys

import numpy
import pytest

from slipway_steps.domain.handler import CSV, JSON, NPY, NPZ, PARQUET
from slipway_steps.handlers.request_forms import Rows, forms
from slipway_steps.handlers.rows import answer_rows, row_count


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
        patched.setitem(sys.modules, "pyarrow", None)
        assert written(PARQUET, [[1, 2]]) == []
    pytest.importorskip("pyarrow")
    assert answer_rows(written(PARQUET, [[1, 2]])[0], PARQUET) == [{"0": 1, "1": 2}]
    assert answer_rows(written(PARQUET, ["t"])[0], PARQUET) == [{"0": "t"}]
    assert written(PARQUET, [[1], ["x"]]) == []


@pytest.mark.parametrize("content_type", [JSON, CSV, NPY, NPZ])
def test_a_form_for_many_rows_holds_all_of_them(content_type: str) -> None:
    rows = [[1, 2], [3, 4], [5, 6]]
    written_so = [form.write(rows) for form in forms(content_type, ["features"]) if form.many]
    bodies = [body for body in written_so if body is not None]
    assert bodies
    assert {row_count(body, content_type) for body in bodies} == {3}


def test_names_that_a_handler_reads_are_tried_once_each() -> None:
    bodies = [form.write([[1]]) for form in forms(JSON, ["instances", "mine", "mine"])]
    assert bodies.count(b'{"instances": [[1]]}') == 1
    assert bodies.count(b'{"mine": [[1]]}') == 1
