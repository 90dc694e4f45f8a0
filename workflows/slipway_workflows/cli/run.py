"""`slipway run`: runs a workflow of the catalog, or of a file, on this machine."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

import click

from slipway_steps.adapters.local.subreaper import MARK, become_subreaper, reap_ended
from slipway_steps.domain.errors import BadInput
from slipway_workflows import engine
from slipway_workflows.argo import Event, Listener, StoredWorkflow
from slipway_workflows.cli import INTERRUPTED, backend, release_state
from slipway_workflows.cli.live import display
from slipway_workflows.cli.release_state import ReleaseState
from slipway_workflows.cli.render import MANIFESTS
from slipway_workflows.cli.settings import current_settings
from slipway_workflows.local import LocalExecution, engine_options
from slipway_workflows.ports import Execution
from slipway_workflows.step_parameters import check_parameters, with_absolute_paths


def parameters_of(given: tuple[str, ...]) -> dict[str, str]:
    """The values of the options `-p name=value` by name. Raises BadInput for one without a name or `=`."""
    found = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise BadInput(f"parameter {text!r} is not name=value", "for example: -p scenario=oversized")
        found[name] = value
    return found


def parameters_in(file: Path) -> dict[str, str]:
    """The parameters of a file in YAML or JSON, an object of names and values, as `argo submit --parameter-file` reads
    it: a value that is no text becomes JSON. Raises BadInput for a file that is none.
    """
    import yaml

    try:
        told = yaml.safe_load(file.read_bytes())
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", "name a file of parameters") from error
    except (ValueError, yaml.YAMLError) as error:
        raise BadInput(f"{file} is neither YAML nor JSON", "it is an object of names and values") from error
    if not (isinstance(told, dict) and all(isinstance(name, str) for name in told)):
        raise BadInput(f"{file} holds no object of names and values", "such as {scenario: oversized}")
    try:
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in told.items()}
    except (TypeError, ValueError) as error:
        raise BadInput(f"{file}: a value is no text and cannot be JSON: {error}", "put it in quotes") from error


@contextmanager
def _stopping(execution: Execution) -> Iterator[list[int]]:
    """While the block runs, Ctrl-C and SIGTERM stop the workflow as `argo stop` does; its exit handler still runs.

    Yields the list of the signals received so far.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) == 1:
            click.echo("stopping; the exit handler still runs (a second Ctrl-C ends it too)", err=True)
        execution.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_release(workflow: StoredWorkflow) -> bool:
    """Whether a workflow runs a template of the catalog; then the summary of a release is printed at its end."""
    return bool(workflow.template) and (MANIFESTS / f"{workflow.template}.yaml").exists()


def follow(execution: Execution, output: str = "text") -> int:
    """Show a workflow until it has ended; returns the exit code. Ctrl-C stops it only if it runs in this process."""
    if isinstance(execution, LocalExecution):
        return execute(execution, output)
    with display(execution.name) as listener:
        workflow = execution.follow(listener)
    code = print_result(workflow)
    _print_json(workflow, output)
    return code


def _preloading(listener: Listener) -> Listener:
    """A listener that calls `listener`, and at the first pod starts a thread that imports what the summary needs."""
    started = False

    def listen(event: Event) -> None:
        nonlocal started
        if event.type == "Pod" and not started:
            from slipway_workflows.cli.summary import preload

            started = True
            threading.Thread(target=preload, daemon=True).start()
        listener(event)

    return listen


def execute(execution: LocalExecution, output: str, may_be_release: bool = True) -> int:
    """Run a workflow in this process to its end and show its progress; returns the exit code."""
    releases = may_be_release and is_release(StoredWorkflow(execution.run.workflow))
    if releases:
        execution = replace(execution, afterwards=(release_state.__name__, execution.name))
    with _stopping(execution) as stopped, display(execution.name) as listener:
        workflow = execution.follow(_preloading(listener) if releases else listener)
    if releases:
        from slipway_workflows.cli.summary import print_summary

        code = print_summary(workflow, ReleaseState.from_json(execution.run.output_afterwards))
    else:
        code = print_result(workflow)
    _print_json(workflow, output)
    return INTERRUPTED if stopped else code


def print_result(workflow: StoredWorkflow) -> int:
    """Print in one line how a workflow ended; returns its exit code."""
    from slipway_workflows.cli.summary import exit_code

    code, result = exit_code(workflow), f"{workflow.name}: {workflow.phase}"
    if code:
        click.echo(f"error: {result}: {workflow.message or f'see: slipway get {workflow.name}'}", err=True)
    else:
        click.echo(result, err=True)
    return code


def _print_json(workflow: StoredWorkflow, output: str) -> None:
    if output == "json":
        click.echo(json.dumps(workflow.with_nodes_unpacked(), indent=1))


def is_file(target: str) -> bool:
    """Whether what somebody has typed is a file and not a name of the catalog."""
    return target.endswith((".yaml", ".yml")) or os.sep in target or Path(target).is_file()


@click.command()
@click.argument("target", metavar="NAME|FILE")
@click.option(
    "-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="The value of a parameter of the workflow."
)
@click.option(
    "--parameter-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A YAML or JSON file of parameters, for values that no command line should show; -p wins.",
)
@click.option(
    "--with",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file with more WorkflowTemplates and ConfigMaps that the workflow refers to by name.",
)
@click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", help="json: print the Workflow on stdout."
)
@click.option("--dry-run", is_flag=True, help="Check the workflow and its parameters, and start nothing.")
def run(
    target: str,
    given: tuple[str, ...],
    parameter_file: Path | None,
    files: tuple[Path, ...],
    output: str,
    dry_run: bool,
) -> int:
    """Run a workflow of the catalog by NAME, or the Workflow, CronWorkflow or WorkflowTemplate in FILE.

    Exit codes: 0 succeeded (a release: promoted), 2 rejected by a gate, 1 any other failure, 130 after Ctrl-C.
    """
    parameters = (parameters_in(parameter_file) if parameter_file else {}) | parameters_of(given)
    if MARK not in os.environ:
        return _run(target, parameters, files, output, dry_run)
    # a run of a performance test: the CPU time of all that it starts is measured
    become_subreaper()
    try:
        return _run(target, parameters, files, output, dry_run)
    finally:
        reap_ended()


def _run(target: str, parameters: dict[str, str], files: tuple[Path, ...], output: str, dry_run: bool) -> int:
    if not is_file(target):
        execution = backend.local_workflows().submit(target, parameters, files)
        return 0 if dry_run else execute(execution, output, may_be_release=(MANIFESTS / f"{target}.yaml").exists())
    path = Path(target)
    library = engine.load([path, *files], MANIFESTS)
    source = engine.main_object(library, path)
    values = with_absolute_paths(source, parameters, library.find, Path.cwd())
    prepared = engine.prepare(library, source, values, engine_options(current_settings()))
    check_parameters(source, values, library.find)
    return 0 if dry_run else execute(LocalExecution(prepared), output, may_be_release=False)
