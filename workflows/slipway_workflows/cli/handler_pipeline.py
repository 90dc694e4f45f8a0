"""`slipway test-handler --pipeline`: tests a pipeline of scripts and inference handlers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.pipeline_testing import InferencePipelineTestingSpec, PipelineResult


def test_pipeline(file: Path, store: Path, output: str, limits: Mapping[str, Any]) -> int:
    """Read the pipeline, run it, print each edge. Returns 0, or 2 where it failed. Paths are relative to the file.

    output: text or json. limits: those that every handler gets instead of its own, by their names in its spec.
    """
    from slipway_steps.handlers import test_pipeline_with_inference

    if output not in ("text", "json"):
        raise BadInput(f"--pipeline does not go with --output {output}", "choose text or json")
    spec = read_pipeline(file)
    handlers = {node: one.model_copy(update=limits) for node, one in spec.inference_handlers.items()}
    spec = spec.model_copy(update={"inference_handlers": handlers})
    result = test_pipeline_with_inference(spec, store=store)
    if output == "json":
        click.echo(result.model_dump_json(indent=1))
    else:
        print_pipeline(result)
    return 0 if result.pipeline_success else 2


test_pipeline.__test__ = False  # type: ignore[attr-defined]


def read_pipeline(file: Path) -> InferencePipelineTestingSpec:
    """The pipeline in a JSON file. Raises BadInput that names each fault."""
    try:
        spec = InferencePipelineTestingSpec.model_validate_json(file.read_bytes())
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}", "name a JSON file") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()[:5])
        raise BadInput(f"{file} is no pipeline: {faults}", "docs/handlers.md shows one") from error
    base = file.absolute().parent
    scripts = {
        node: one.model_copy(
            update={
                "script_path": base / one.script_path,
                "input_paths": {name: str(base / path) for name, path in one.input_paths.items()},
            }
        )
        for node, one in spec.script_specs.items()
    }
    handlers = {
        node: one.model_copy(
            update={
                "packaged_model_path": base / one.packaged_model_path,
                "payload_samples_path": one.payload_samples_path and base / one.payload_samples_path,
            }
        )
        for node, one in spec.inference_handlers.items()
    }
    return spec.model_copy(update={"script_specs": scripts, "inference_handlers": handlers})


def print_pipeline(result: PipelineResult) -> None:
    """Print the nodes in their order and what flowed over each edge."""
    for node in result.order:
        verdict = f"  handler: {result.handler_verdicts[node]}" if node in result.handler_verdicts else ""
        click.echo(f"{node:<24} {result.node_seconds.get(node, 0.0):6.1f} s{verdict}")
    for edge in result.edges:
        word = "ok" if edge.success else "failed"
        click.echo(f"{edge.source} -> {edge.target}: {word}: {edge.message or ', '.join(edge.flowed)}")
    for error in result.errors:
        click.echo(f"rejected: {error}")
    if result.pipeline_success:
        click.echo("passed")
