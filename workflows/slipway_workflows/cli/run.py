"""`slipway run`: a workflow of the catalog, or of a file, on this machine."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from slipway_steps.domain.errors import BadInput
from slipway_workflows import engine
from slipway_workflows.argo import Event, Listener, StoredWorkflow
from slipway_workflows.cli import INTERRUPTED, place
from slipway_workflows.cli.live import shown
from slipway_workflows.cli.render import MANIFESTS
from slipway_workflows.cli.settings import current_settings
from slipway_workflows.local import LocalExecution, engine_options
from slipway_workflows.ports import Execution, Workflows
from slipway_workflows.step_parameters import check_parameters


def parameters_of(given: tuple[str, ...]) -> dict[str, str]:
    """`-p name=value` options as a map. Raises BadInput."""
    found = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise BadInput(f"parameter {text!r} is not name=value", "for example: -p scenario=oversized")
        found[name] = value
    return found


@contextmanager
def _stopping(execution: Execution) -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM stop the workflow as `argo stop` does: its exit handler still runs. Yields the signals."""
    heard: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        if len(heard) == 1:
            click.echo("stopping: the exit handler still runs; once more ends that too", err=True)
        execution.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_release(workflow: StoredWorkflow) -> bool:
    """Whether a workflow runs a template of the catalog: its end is told as a release."""
    return bool(workflow.template) and (MANIFESTS / f"{workflow.template}.yaml").exists()


def follow(there: Workflows, execution: Execution, output: str = "text") -> int:
    """Show a workflow until it has ended; returns the exit code. Ctrl-C ends only what runs in this process."""
    if there.runs_in_foreground:
        return execute(execution, output)
    with shown(execution.name) as listener:
        workflow = execution.follow(listener)
    code = end_of(workflow)
    _print_json(workflow, output)
    return code


def _preloading(listener: Listener) -> Listener:
    """The listener; and once the first step runs, a thread imports what the summary at the end needs."""
    begun = False

    def hear(event: Event) -> None:
        nonlocal begun
        if event.type == "Pod" and not begun:
            from slipway_workflows.cli.summary import preload

            begun = True
            threading.Thread(target=preload).start()
        listener(event)

    return hear


def execute(execution: Execution, output: str, may_be_release: bool = True) -> int:
    """Run a workflow of this process to its end, shown as it goes; returns the exit code."""
    with _stopping(execution) as stopped, shown(execution.name) as listener:
        workflow = execution.follow(_preloading(listener) if may_be_release else listener)
    if may_be_release and is_release(workflow):
        from slipway_workflows.cli.summary import conclude

        code = conclude(workflow)
    else:
        code = end_of(workflow)
    _print_json(workflow, output)
    return INTERRUPTED if stopped else code


def end_of(workflow: StoredWorkflow) -> int:
    """Say in one line how a workflow ended; returns its exit code."""
    from slipway_workflows.cli.summary import exit_code

    code, said = exit_code(workflow), f"{workflow.name}: {workflow.phase}"
    if code:
        click.echo(f"error: {said}: {workflow.message or f'see: slipway get {workflow.name}'}", err=True)
    else:
        click.echo(said, err=True)
    return code


def _print_json(workflow: StoredWorkflow, output: str) -> None:
    if output == "json":
        click.echo(json.dumps(workflow.with_nodes_unpacked(), indent=1))


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
        return execute(place.local_workflows().submit(target, parameters, files), output)
    path = Path(target)
    library = engine.load([path, *files], MANIFESTS)
    source = engine.main_object(library, path)
    prepared = engine.prepare(library, source, parameters, engine_options(current_settings()))
    check_parameters(source, parameters, library.find)
    return execute(LocalExecution(prepared), output, may_be_release=False)
