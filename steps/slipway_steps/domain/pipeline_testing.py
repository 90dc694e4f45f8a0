"""Pipelines of scripts and inference handlers under test: what runs, in which order, and what flows between."""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import InferenceHandlerSpec


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PipelineDAG(_Strict):
    """The nodes of a pipeline and its edges, as (from, to)."""

    nodes: list[str] = Field(min_length=1)
    edges: list[tuple[str, str]] = []

    def order(self) -> list[str]:
        """The nodes in an order in which each comes after those that it needs. Raises BadInput for a cycle."""
        sorter: TopologicalSorter[str] = TopologicalSorter({node: [] for node in self.nodes})
        for before, after in self.edges:
            sorter.add(after, before)
        try:
            return list(sorter.static_order())
        except CycleError as error:
            raise BadInput(
                f"the pipeline has a cycle: {' -> '.join(error.args[1])}", "remove one of its edges"
            ) from None


class ScriptExecutionSpec(_Strict):
    """A script of a pipeline. It is a Python program, or a file with `main(input_paths, output_paths, environ_vars,
    job_args)`, of which it may leave out any.

    `input_paths`: names to files or directories that exist. `output_paths`: names to what the script writes; in a test
    they lead into a temporary directory, and only the last part of each path is kept. `job_args` become `--name value`.
    """

    script_name: str
    step_name: str = ""
    script_path: Path
    input_paths: dict[str, str] = {}
    output_paths: dict[str, str] = Field(min_length=1)
    environ_vars: dict[str, str] = {}
    job_args: dict[str, Any] = {}


class PipelineTestingSpec(_Strict):
    """A pipeline of scripts."""

    dag: PipelineDAG
    script_specs: dict[str, ScriptExecutionSpec] = {}

    @model_validator(mode="after")
    def _edges_name_nodes(self) -> "PipelineTestingSpec":
        unknown = {node for edge in self.dag.edges for node in edge} - set(self.dag.nodes)
        if unknown:
            raise ValueError(f"edges name {', '.join(sorted(unknown))}, which is no node")
        if twice := {node for node in self.dag.nodes if self.dag.nodes.count(node) > 1}:
            raise ValueError(f"{', '.join(sorted(twice))} is named twice")
        return self


class InferencePipelineTestingSpec(PipelineTestingSpec):
    """A pipeline in which inference handlers replace the nodes that they are keyed by."""

    inference_handlers: dict[str, InferenceHandlerSpec] = {}

    def check(self) -> None:
        """Raises BadInput for a node with neither script nor handler, and for what belongs to no node."""
        known = set(self.script_specs) | set(self.inference_handlers)
        if nothing := [node for node in self.dag.nodes if node not in known]:
            raise BadInput(f"{', '.join(nothing)} has neither a script nor a handler", "add one, or remove the node")
        if nowhere := sorted(known - set(self.dag.nodes)):
            raise BadInput(f"{', '.join(nowhere)} is no node of the pipeline", "add it to the nodes, or remove it")


class SentOutput(_Strict):
    """An output of a script that was sent to a handler. Rows are None where they cannot be counted."""

    name: str
    file: str
    content_type: str
    status: int
    rows_sent: int | None
    rows_answered: int | None
    compatible: bool
    message: str = ""


class CompatibilityResult(_Strict):
    """Whether a handler can read what a script writes: each output gets 2xx, with a row for each row."""

    compatible: bool
    script_success: bool
    script_seconds: float
    outputs: list[SentOutput] = []
    errors: list[str] = []


class EdgeResult(_Strict):
    """What flowed over one edge of a pipeline."""

    source: str
    target: str
    success: bool
    flowed: list[str] = []
    message: str = ""


class PipelineResult(_Strict):
    """The test of a pipeline: its nodes in the order in which they ran, and each of its edges. Times are seconds."""

    pipeline_success: bool
    order: list[str]
    node_seconds: dict[str, float] = {}
    handler_verdicts: dict[str, str] = {}
    edges: list[EdgeResult] = []
    errors: list[str] = []


def flows(outputs: Sequence[str], inputs: Sequence[str]) -> dict[str, str]:
    """Which output becomes which input, as input -> output: by name, and the last one left by the last one left."""
    found = {name: name for name in inputs if name in outputs}
    left_in = [name for name in inputs if name not in found]
    left_out = [name for name in outputs if name not in found.values()]
    if len(left_in) == 1 and len(left_out) == 1:
        found[left_in[0]] = left_out[0]
    return found
