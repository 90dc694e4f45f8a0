"""Pipelines of scripts and handlers: their order, what flows over each edge, and where they stop."""

from pathlib import Path
from typing import Any

import pytest
from handler_code import body, code_package

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import InferenceHandlerSpec
from slipway_steps.domain.pipeline_testing import (
    InferencePipelineTestingSpec,
    PipelineDAG,
    PipelineResult,
    PipelineTestingSpec,
    ScriptExecutionSpec,
)
from slipway_steps.handlers import (
    build_mixed_pipeline_spec,
    create_inference_handler_spec,
    test_pipeline_with_inference,
)

INPUT = "def input_fn(data, content_type):\n    return [float(o) for o in json.loads(data)]"
WRITE = "def main(output_paths):\n    open(output_paths['rows'], 'w').write('[1, 2, 3]')\n"
SUM = """
import json
def main(input_paths, output_paths):
    told = json.load(open(input_paths["predictions"]))
    open(output_paths["total"], "w").write(json.dumps([sum(told)]))
"""


class Pipeline:
    """A pipeline of nodes `name=source` for scripts and `name=InferenceHandlerSpec` for handlers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.scripts: dict[str, ScriptExecutionSpec] = {}
        self.handlers: dict[str, InferenceHandlerSpec] = {}

    def script(self, node: str, source: str, inputs: dict[str, str] | None = None, **outputs: str) -> None:
        path = self.directory / f"{node}.py"
        path.write_text(source)
        self.scripts[node] = ScriptExecutionSpec(
            script_name=node, script_path=path, input_paths=inputs or {}, output_paths=outputs
        )

    def handler(self, node: str, payload: str = "", **parts: str) -> None:
        package = code_package(self.directory / node, **{"input_fn": INPUT, **parts})
        if payload:
            (package / "payloads").mkdir()
            (package / "payloads" / "one.json").write_text(payload)
        self.handlers[node] = create_inference_handler_spec(node, package)

    def run(self, *edges: tuple[str, str]) -> PipelineResult:
        dag = PipelineDAG(nodes=[*self.handlers, *self.scripts], edges=list(edges))
        spec = PipelineTestingSpec(dag=dag, script_specs=self.scripts)
        return test_pipeline_with_inference(spec, self.handlers, store=self.directory / "store")


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline(tmp_path)


def test_a_handler_in_the_middle_hands_on_its_predictions(pipeline: Pipeline) -> None:
    pipeline.handler("serve")
    pipeline.script("sum", SUM, {"predictions": "."}, total="total.json")
    pipeline.script("write", WRITE, rows="rows.json")
    done = pipeline.run(("write", "serve"), ("serve", "sum"))
    assert done.pipeline_success, done.errors
    assert done.order == ["write", "serve", "sum"]
    assert done.handler_verdicts == {"serve": "pass"}
    flowed = {(edge.source, edge.target): edge.flowed for edge in done.edges}
    assert flowed == {
        ("write", "serve"): ["rows.json (application/json)"],
        ("serve", "sum"): ["predictions as predictions"],
    }


def test_a_handler_at_the_start_hands_on_the_predictions_of_its_samples(pipeline: Pipeline) -> None:
    pipeline.handler("serve", "[1, 2]")
    pipeline.script("sum", SUM + "    assert sum(told) == 6\n", {"predictions": "."}, total="total.json")
    done = pipeline.run(("serve", "sum"))
    assert done.pipeline_success, done.errors


def test_a_handler_after_a_handler_gets_its_predictions(pipeline: Pipeline) -> None:
    pipeline.handler("first", "[1, 2]")
    pipeline.handler("second")
    done = pipeline.run(("first", "second"))
    assert done.pipeline_success, done.errors
    assert done.edges[0].flowed == ["predictions.json (application/json)"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise SystemExit('no data')", ["write: the script write failed", "write -> serve: write has no outputs"]),
        ("pass", ["write -> serve: the script wrote no file"]),
        (WRITE.replace("[1, 2, 3]", '["x"]'), ["write -> serve: rows.json: sample-fails"]),
    ],
)
def test_an_edge_that_carries_nothing_good_fails_the_pipeline(pipeline: Pipeline, source: str, said: list[str]) -> None:
    pipeline.handler("serve", "[1]")
    pipeline.script("write", source, rows="rows.json")
    done = pipeline.run(("write", "serve"))
    assert not done.pipeline_success
    assert [one for one in said if not any(error.startswith(one) for error in done.errors)] == []
    assert [edge.success for edge in done.edges] == [False]
    assert done.handler_verdicts == {"serve": "pass"}, "its own sample is fine"


def test_what_follows_a_failure_does_not_run(pipeline: Pipeline) -> None:
    pipeline.handler("serve", "[1]", predict_fn=body("raise ValueError('broken')"))
    pipeline.script("sum", SUM, {"predictions": "."}, total="total.json")
    pipeline.script("other", SUM, {"total": "."}, sums="s.json")
    done = pipeline.run(("serve", "sum"), ("sum", "other"))
    assert not done.pipeline_success
    assert done.handler_verdicts == {"serve": "reject"}
    assert "other did not run: what it needs is missing" in done.errors


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ({"a": ".", "b": "."}, {"x": "x.json", "y": "y.json"}, "no input of read (a, b) takes an output"),
        ({}, {"x": "x.json"}, "no input of read (it has none) takes an output"),
        ({"a": "."}, {"x": "x.json"}, "the output x is empty"),
    ],
)
def test_an_edge_between_scripts_has_to_carry_something(
    pipeline: Pipeline, inputs: dict[str, str], outputs: dict[str, str], message: str
) -> None:
    pipeline.handler("serve", "[1]")
    pipeline.script("write", "pass", **outputs)
    pipeline.script("read", "pass", inputs, out="out.json")
    done = pipeline.run(("write", "read"))
    assert not done.pipeline_success
    assert [edge.message for edge in done.edges] == [message]


def test_a_handler_replaces_the_script_of_its_node(tmp_path: Path, pipeline: Pipeline) -> None:
    pipeline.handler("serve", "[1]")
    pipeline.script("serve", "raise SystemExit('this must not run')", out="x.json")
    spec = build_mixed_pipeline_spec(PipelineDAG(nodes=["serve"]), pipeline.scripts, pipeline.handlers)
    assert isinstance(spec, PipelineTestingSpec)
    assert (list(spec.script_specs), list(spec.inference_handlers)) == ([], ["serve"])
    assert test_pipeline_with_inference(spec, store=tmp_path / "store").pipeline_success


def handler(name: str) -> InferenceHandlerSpec:
    return create_inference_handler_spec(name, "model.tar.gz")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nodes": ["a", "b"], "edges": [("a", "b"), ("b", "a")]}, "cycle"),
        ({"nodes": ["a"], "edges": [("a", "a")]}, "cycle"),
        ({"nodes": ["a", "b", "c"]}, "c has neither"),
        ({"nodes": ["a"]}, "b is no node"),
    ],
)
def test_a_pipeline_that_cannot_be_run_is_bad_input(given: dict[str, Any], said: str) -> None:
    handlers = {"a": handler("a"), "b": handler("b")}
    if given["nodes"] == ["a"] and "edges" in given:
        del handlers["b"]
    with pytest.raises(BadInput, match=said):
        build_mixed_pipeline_spec(PipelineDAG(**given), {}, handlers)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nodes": ["a"], "edges": [("a", "b")]}, "b, which is no node"),
        ({"nodes": ["a", "a"]}, "named twice"),
        ({"nodes": []}, "at least 1"),
    ],
)
def test_a_graph_that_is_none_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        InferencePipelineTestingSpec.model_validate({"dag": given})


def test_a_pipeline_without_a_handler_is_bad_input(pipeline: Pipeline) -> None:
    pipeline.script("write", WRITE, rows="rows.json")
    with pytest.raises(BadInput, match="no inference handler"):
        pipeline.run()
