"""Pipelines in which inference handlers replace steps: run in topological order, each edge checked."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from slipway_steps.adapters.handlers.script import ScriptRun
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import InferenceHandlerSpec
from slipway_steps.domain.pipeline_testing import (
    EdgeResult,
    InferencePipelineTestingSpec,
    PipelineDAG,
    PipelineResult,
    PipelineTestingSpec,
    ScriptExecutionSpec,
    flows,
)
from slipway_steps.handlers.compatibility import check_outputs, files_of, run_in, write_predictions
from slipway_steps.handlers.pipeline import test_inference_pipeline
from slipway_steps.handlers.session import HandlerSession, open_handler


def create_inference_handler_spec(
    handler_name: str,
    packaged_model_path: str | Path,
    payload_samples_path: str | Path | None = None,
    step_name: str = "Registration",
) -> InferenceHandlerSpec:
    """A spec with the defaults for a packaged model; its samples are those of the package unless named."""
    return InferenceHandlerSpec.create_default(handler_name, step_name, packaged_model_path, payload_samples_path)


def build_mixed_pipeline_spec(
    dag: PipelineDAG,
    script_specs: Mapping[str, ScriptExecutionSpec],
    inference_handlers: Mapping[str, InferenceHandlerSpec],
) -> InferencePipelineTestingSpec:
    """A pipeline of scripts and handlers. A handler replaces a script of the same node.

    Raises BadInput for a cycle, for a node with neither, and for what belongs to no node.
    """
    scripts = {node: one for node, one in script_specs.items() if node not in inference_handlers}
    spec = InferencePipelineTestingSpec(dag=dag, script_specs=scripts, inference_handlers=dict(inference_handlers))
    spec.check()
    dag.order()
    return spec


def test_pipeline_with_inference(
    pipeline_spec: PipelineTestingSpec,
    inference_handlers: Mapping[str, InferenceHandlerSpec] | None = None,
    *,
    store: Path | None = None,
) -> PipelineResult:
    """Run a pipeline: each script once, each handler with its own samples, and what flows over each edge.

    Raises BadInput for a pipeline that cannot be run.
    """
    given = dict(getattr(pipeline_spec, "inference_handlers", {})) | dict(inference_handlers or {})
    spec = build_mixed_pipeline_spec(pipeline_spec.dag, pipeline_spec.script_specs, given)
    if not given:
        raise BadInput("the pipeline has no inference handler", "name one in inference_handlers by its node")
    with ExitStack() as stack:
        sessions = {node: stack.enter_context(open_handler(one, store)) for node, one in given.items()}
        return _Pipeline(spec, sessions).run()


test_pipeline_with_inference.__test__ = False  # type: ignore[attr-defined]  # for pytest


class _Pipeline:
    def __init__(self, spec: InferencePipelineTestingSpec, sessions: dict[str, HandlerSession]) -> None:
        self.spec, self.sessions = spec, sessions
        self.order = spec.dag.order()
        self.seconds: dict[str, float] = {}
        self.verdicts: dict[str, str] = {}
        self.outputs: dict[str, dict[str, Path]] = {}
        self.runs: dict[str, ScriptRun] = {}
        self.edges: list[EdgeResult] = []
        self.errors: list[str] = []

    def run(self) -> PipelineResult:
        for node in self.order:
            started = time.monotonic()
            if node in self.sessions:
                self._handler(node)
            else:
                self._script(node)
            self.seconds[node] = time.monotonic() - started
        return PipelineResult(
            pipeline_success=not self.errors and all(edge.success for edge in self.edges),
            order=self.order,
            node_seconds=self.seconds,
            handler_verdicts=self.verdicts,
            edges=self.edges,
            errors=self.errors,
        )

    def _sources(self, node: str) -> list[str]:
        return [before for before, after in self.spec.dag.edges if after == node]

    def _edge(self, source: str, target: str, flowed: list[str], message: str) -> None:
        edge = EdgeResult(source=source, target=target, success=not message, flowed=flowed, message=message)
        self.edges.append(edge)
        if message:
            self.errors.append(f"{source} -> {target}: {message}")

    def _script(self, node: str) -> None:
        spec = self.spec.script_specs[node]
        inputs, ready = dict(spec.input_paths), True
        for source in self._sources(node):
            there = self.outputs.get(source)
            if there is None:
                self._edge(source, node, [], f"{source} has no outputs, because it did not succeed")
                ready = False
                continue
            wanted = flows(list(there), list(spec.input_paths))
            inputs |= {name: str(there[output]) for name, output in wanted.items()}
            empty = [output for output in wanted.values() if not _holds(there[output])]
            message = (
                "" if wanted else f"no input of {node} ({', '.join(spec.input_paths) or 'it has none'}) takes an output"
            )
            message = message or (f"the output {', '.join(empty)} is empty" if empty else "")
            self._edge(source, node, [f"{output} as {name}" for name, output in wanted.items()], message)
            ready = ready and not message
        if not ready:
            self.errors.append(f"{node} did not run: what it needs is missing")
            return
        # every script has the limits of the first handler
        run = run_in(next(iter(self.sessions.values())), spec, inputs)
        if run.success:
            self.runs[node], self.outputs[node] = run, run.outputs
        else:
            self.errors.append(f"{node}: the script {spec.script_name} failed: {run.error}")

    def _handler(self, node: str) -> None:
        session = self.sessions[node]
        result = test_inference_pipeline(session.spec, session=session)
        flowing = any(source in self.outputs for source in self._sources(node))
        loaded = session.loaded is not None and session.loaded.loaded
        if not session.samples and flowing and loaded and not result.rejections:
            self.verdicts[node] = "pass"  # what flows in is its sample
        else:
            self.verdicts[node] = result.verdict.value
            if not result.overall_success:
                told = "; ".join([*(f"{one.code}: {one.message}" for one in result.rejections), *result.errors])
                self.errors.append(f"{node}: the handler is not passed: {told}")
        files: list[tuple[str, Path, str]] = []
        for source in self._sources(node):
            files += self._into_handler(source, node, session)
        if not self._sources(node):  # at the start of a pipeline the samples are what flows
            files = [(one.sample_name, one.path, one.content_type) for one in session.samples if one.should_succeed]
        if files and loaded:
            predictions = write_predictions(session, files, session.temporary.path / f"node-{len(self.outputs)}")
            self.outputs |= {node: predictions} if predictions else {}

    def _into_handler(self, source: str, node: str, session: HandlerSession) -> list[tuple[str, Path, str]]:
        there = self.outputs.get(source)
        if there is None:
            self._edge(source, node, [], f"{source} has no outputs, because it did not succeed")
            return []
        run = self.runs.get(source) or ScriptRun(True, 0.0, there)
        result = check_outputs(run, session)
        self._edge(
            source, node, [f"{one.file} ({one.content_type})" for one in result.outputs], "; ".join(result.errors)
        )
        return files_of(there) if result.compatible else []


def _holds(path: Path) -> bool:
    return any(one.is_file() and one.stat().st_size for one in path.rglob("*")) if path.is_dir() else path.is_file()
