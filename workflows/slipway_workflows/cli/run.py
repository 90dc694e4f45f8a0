"""`slipway run`: a workflow of the catalog, or of a file, on this machine."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from slipway_steps.domain.errors import BadInput
from slipway_steps.settings import Settings
from slipway_workflows import engine
from slipway_workflows.cli import INTERRUPTED
from slipway_workflows.cli.live import plain, shown
from slipway_workflows.cli.render import MANIFESTS


def parameters_of(given: tuple[str, ...]) -> dict[str, str]:
    """`-p name=value` options as a map. Raises BadInput."""
    found = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise BadInput(f"parameter {text!r} is not name=value", "for example: -p scenario=oversized")
        found[name] = value
    return found


def _check_choices(name: str, template: dict[str, Any], given: dict[str, str]) -> None:
    """Argo does not enforce `enum`; a person who mistypes a scenario wants to know before anything starts."""
    for parameter in (template.get("spec", {}).get("arguments") or {}).get("parameters") or []:
        choices, value = parameter.get("enum"), given.get(parameter["name"])
        if choices and value is not None and value not in choices:
            raise BadInput(
                f"{name}: {parameter['name']}={value} is not one of its values", f"known: {', '.join(choices)}"
            )


@contextmanager
def _stopping(run: engine.Run) -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM stop the workflow as `argo stop` does: its exit handler still runs."""
    heard: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        if len(heard) == 1:
            click.echo("stopping: the exit handler still runs; once more ends that too", err=True)
        run.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def options(settings: Settings) -> engine.Options:
    """What the engine needs of the settings."""
    passed = {key: value for key, value in os.environ.items() if key.startswith(("SLIPWAY_", "MLFLOW_"))}
    where = os.environ.get("SLIPWAY_RESOURCES", "")
    return engine.Options(settings.home, passed | {"SLIPWAY_HOME": str(settings.home)}, where)


def released_by(workflow: dict[str, Any]) -> bool:
    """Whether a workflow runs a template of the catalog: its end is told as a release."""
    name = (workflow["spec"].get("workflowTemplateRef") or {}).get("name")
    return bool(name) and (MANIFESTS / f"{name}.yaml").exists()


def execute(run: engine.Run, output: str, is_release: bool) -> int:
    """Run to the end, shown as it goes; returns the exit code."""
    with _stopping(run) as stopped, shown(run.name) as board:
        workflow = run.execute(board.hear if board else plain)
    code = 1
    if is_release:
        from slipway_workflows.cli.summary import conclude

        code = conclude(workflow)
    elif workflow["status"]["phase"] == "Succeeded":
        code = 0
    else:
        click.echo(
            f"error: {run.name}: {workflow['status']['phase']}: {workflow['status'].get('message', '')}", err=True
        )
    if output == "json":
        click.echo(json.dumps(workflow, indent=1))
    return INTERRUPTED if stopped else code


def run_template(name: str, parameters: dict[str, str], output: str = "text", files: tuple[Path, ...] = ()) -> int:
    """Run a template of the catalog (or of `files`) as `argo submit --from` would; returns the exit code."""
    library = engine.load(files, MANIFESTS)
    template = library.template(name)
    _check_choices(name, template, parameters)
    run = engine.prepare(library, name, parameters, options(Settings()))
    return execute(run, output, is_release=released_by(run.workflow))


def _is_file(target: str) -> bool:
    return target.endswith((".yaml", ".yml")) or os.sep in target or Path(target).is_file()


@click.command()
@click.argument("target", metavar="NAME|FILE")
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the workflow.")
@click.option(
    "--with",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="More WorkflowTemplates and ConfigMaps to look names up in.",
)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: the Workflow, on stdout.")
def run(target: str, given: tuple[str, ...], files: tuple[Path, ...], output: str) -> int:
    """Run a workflow of the catalog by NAME, or the Workflow, CronWorkflow or WorkflowTemplate in FILE.

    Exit codes: 0 succeeded (a release: promoted), 2 rejected by a gate, 1 anything else, 130 Ctrl-C.
    """
    parameters = parameters_of(given)
    if not _is_file(target):
        return run_template(target, parameters, output, files)
    path = Path(target)
    library = engine.load([path, *files], MANIFESTS)
    prepared = engine.prepare(library, engine.main_object(library, path), parameters, options(Settings()))
    return execute(prepared, output, is_release=False)
