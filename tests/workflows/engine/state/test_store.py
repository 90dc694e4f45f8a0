"""The files of a run: its stored workflow is written piece by piece, and is whole all the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.errors import Broken
from slipway_workflows.engine.state.store import WORKFLOW, Store

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(workflow=st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_is_written_is_read_again(workflow, tmp_path_factory):
    store = Store(tmp_path_factory.getbasetemp(), "any")
    store.directory.mkdir(parents=True, exist_ok=True)
    store.write(workflow)
    text = (store.directory / WORKFLOW).read_text()
    assert json.loads(text) == workflow
    assert text == json.dumps(workflow, ensure_ascii=False)


def test_a_workflow_that_cannot_be_written_leaves_the_one_before(tmp_path):
    store = Store(tmp_path, "one")
    store.directory.mkdir(parents=True)
    store.write({"status": {"nodes": {"a": {"phase": "Running"}}}})
    with pytest.raises(TypeError):
        store.write({"status": {"nodes": {"a": {"phase": "Failed"}, "b": {"phase": object()}}}})
    assert json.loads((store.directory / WORKFLOW).read_text())["status"]["nodes"]["a"]["phase"] == "Running"
    assert [path.name for path in store.directory.iterdir()] == [WORKFLOW]


def test_a_directory_that_is_gone_is_told(tmp_path):
    with pytest.raises(Broken, match="cannot store the workflow"):
        Store(tmp_path, "gone").write({})
