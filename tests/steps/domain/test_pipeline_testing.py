"""Pipelines under test: their order, what belongs to no node, and which output becomes which input."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import InferenceHandlerSpec
from slipway_steps.domain.pipeline_testing import (
    InferencePipelineTestingSpec,
    PipelineDAG,
    PipelineTestingSpec,
    ScriptExecutionSpec,
    flows,
)

SCRIPT = ScriptExecutionSpec(script_name="s", script_path=Path("s.py"), output_paths={"rows": "out"})
HANDLER = InferenceHandlerSpec.create_default("h", "Registration", "model.tar.gz")


@given(some.lists(some.tuples(some.integers(0, 6), some.integers(0, 6)), max_size=12))
def test_each_node_comes_after_those_that_it_needs(pairs: list[tuple[int, int]]) -> None:
    edges = [(str(min(pair)), str(max(pair))) for pair in pairs if pair[0] != pair[1]]
    order = PipelineDAG(nodes=[str(number) for number in range(7)], edges=edges).order()
    assert sorted(order) == [str(number) for number in range(7)]
    assert all(order.index(before) < order.index(after) for before, after in edges)


def test_a_cycle_is_named() -> None:
    with pytest.raises(BadInput, match=r"cycle: .*a"):
        PipelineDAG(nodes=["a", "b"], edges=[("a", "b"), ("b", "a")]).order()


def test_edges_and_nodes_have_to_fit() -> None:
    with pytest.raises(ValidationError, match="mars"):
        PipelineTestingSpec(dag=PipelineDAG(nodes=["a"], edges=[("a", "mars")]))
    with pytest.raises(ValidationError, match="a is named twice"):
        PipelineTestingSpec(dag=PipelineDAG(nodes=["a", "a"]))


def test_each_node_is_a_script_or_a_handler() -> None:
    dag = PipelineDAG(nodes=["a", "b"], edges=[("a", "b")])
    InferencePipelineTestingSpec(dag=dag, script_specs={"a": SCRIPT}, inference_handlers={"b": HANDLER}).check()
    with pytest.raises(BadInput, match="b has neither"):
        InferencePipelineTestingSpec(dag=dag, script_specs={"a": SCRIPT}).check()
    both = {"b": HANDLER, "c": HANDLER}
    with pytest.raises(BadInput, match="c is no node"):
        InferencePipelineTestingSpec(dag=dag, script_specs={"a": SCRIPT}, inference_handlers=both).check()


def test_outputs_flow_by_name_and_the_last_one_left_by_being_the_last() -> None:
    assert flows(["rows", "log"], ["rows"]) == {"rows": "rows"}
    assert flows(["processed"], ["data"]) == {"data": "processed"}
    assert flows(["rows", "processed"], ["rows", "data"]) == {"rows": "rows", "data": "processed"}
    assert flows(["one", "two"], ["data"]) == {}
