"""`slipway optimize`: tries the knobs of a step and recommends what was measured to be better."""

import json
import tempfile
from pathlib import Path

import click

from slipway_steps.domain.errors import BadInput, Refused
from slipway_workflows.cli import backend
from slipway_workflows.cli.settings import current_settings

RUN_ID = "run-id"
"""The input of a step that holds the MLflow run with the packaged model."""


@click.command()
@click.argument("step", required=False)
@click.argument("workflow", default=backend.LATEST)
@click.option(
    "--package",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Packaged model to run the step on; without: that of WORKFLOW.",
)
@click.option("--set", "given", multiple=True, metavar="KNOB=VALUE", help="Where a knob stands now; else its default.")
@click.option("--runs", default=6, show_default=True, help="Runs of each side; 6 are the fewest.")
@click.option("--limits", is_flag=True, help="Print a values file of the app's chart from what releases measured.")
@click.option("--last", default=10, show_default=True, type=click.IntRange(1), help="Releases that --limits reads.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def optimize(
    step: str | None,
    workflow: str,
    package: Path | None,
    given: tuple[str, ...],
    runs: int,
    limits: bool,
    last: int,
    output: str,
) -> int:
    """Run STEP again and again, with and without each change of its knobs, on what WORKFLOW (@latest) gave it.

    A change is recommended only where the 95 % interval of what it is judged by says that it is better, and where the
    results stay equal. Nothing is stored, and nothing outside is changed.
    """
    if limits == bool(step):
        raise BadInput("name a step, or ask for --limits", "slipway optimize evaluate; slipway optimize --limits")
    if limits:
        click.echo(_limits(last), nl=False)
        return 0
    from slipway_steps.optimize import optimizer

    name = step or ""
    optimizer.knobs_of(name)
    now = _knobs(given)
    with tempfile.TemporaryDirectory() as directory:
        used = package or _package_of(name, workflow, Path(directory) / "package")
        run = optimizer.runs_of(name, used)
        found = optimizer.optimize(name, run, now, runs, _progress)
    if output == "json":
        click.echo(json.dumps([one.model_dump(mode="json") for one in found.recommendations], indent=2))
    else:
        click.echo("\n".join(found.lines))
    return 0


def _knobs(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not value:
            raise BadInput(f"--set {one} is not KNOB=VALUE", "such as --set batch=128")
        found[name] = value
    return found


def _progress(done: int, of: int) -> None:
    click.echo(f"\rrun {done} of {of}", err=True, nl=done == of)


def _package_of(step: str, workflow: str, target: Path) -> Path:
    """Download the packaged model that a step of a stored run was given."""
    from slipway_steps.adapters.world import make_world
    from slipway_workflows import engine
    from slipway_workflows.argo.stored_node import parameter_values

    settings = current_settings()
    run = engine.stored_run(settings.home, backend.newest_or_named(backend.local_workflows(), workflow))
    for node in run.workflow.pods:
        given = parameter_values(node.inputs)
        if RUN_ID in given and node.display_name.partition("(")[0] == step:
            return make_world(settings).registry.download_package(given[RUN_ID], target)
    raise Refused(f"{run.name} has not run the step {step}", "name a workflow that has, or a model with --package")


def _limits(last: int) -> str:
    from slipway_steps.adapters.world import make_world
    from slipway_steps.optimize.limits import says_usage, values_file
    from slipway_workflows import engine
    from slipway_workflows.argo.times import BEFORE_ALL

    settings = current_settings()
    registry, found, measured = make_world(settings).registry, [], 0
    newest_first = sorted(
        engine.stored_runs(settings.home), key=lambda run: run.workflow.started or BEFORE_ALL, reverse=True
    )
    for run in newest_first:
        reports = [report for report in registry.reports(run.name) if says_usage(report)]
        found += reports
        measured += bool(reports)
        if measured == last:
            break
    return values_file(found)
