"""`slipway optimize`: tries the knobs of a step, or of a workflow, and recommends what was measured to be better."""

import json
import tempfile
from pathlib import Path

import click

from slipway_steps.domain.errors import BadInput, Refused
from slipway_workflows.cli import backend
from slipway_workflows.cli.run import is_file
from slipway_workflows.cli.settings import current_settings

RUN_ID = "run-id"
"""The input of a step that holds the MLflow run with the packaged model."""
TRAIN = "train"
DATASET, SEED = "dataset", "seed"
"""The inputs of `train` with its data and its seed."""


@click.command()
@click.argument("step", metavar="STEP|FILE", required=False)
@click.argument("workflow", default=backend.LATEST)
@click.option(
    "--package",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Packaged model to run `evaluate` or `handler` on; without: that of WORKFLOW.",
)
@click.option("--dataset", help="Data to run `train` on, `digits` or a directory; without: that of WORKFLOW.")
@click.option("--set", "given", multiple=True, metavar="KNOB=VALUE", help="Where a knob stands now; else its default.")
@click.option("--knob", "chosen", multiple=True, metavar="KNOB", help="Try this knob alone; more than once: these.")
@click.option("--runs", default=6, show_default=True, help="Runs of each side; 6 are the fewest.")
@click.option("--limits", is_flag=True, help="Print a values file of the app's chart from what releases measured.")
@click.option("--last", default=10, show_default=True, type=click.IntRange(1), help="Releases that --limits reads.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def optimize(
    step: str | None,
    workflow: str,
    package: Path | None,
    dataset: str | None,
    given: tuple[str, ...],
    chosen: tuple[str, ...],
    runs: int,
    limits: bool,
    last: int,
    output: str,
) -> int:
    """Run STEP again and again, with and without each change of its knobs, on what WORKFLOW (@latest) gave it.

    STEP is evaluate, handler or train; of the workflow in a FILE, `parallelism` is tried. A change is recommended only
    where the 95 % interval of what it is judged by says that it is better, and where the results stay equal. Nothing is
    stored, and nothing outside is changed.
    """
    if limits == bool(step):
        known = "evaluate, handler, train, or the file of a workflow"
        raise BadInput(f"name a step ({known}), or ask for --limits", "such as: slipway optimize evaluate")
    if limits:
        click.echo(_limits(last), nl=False)
        return 0
    from slipway_steps.optimize import optimizer

    name, now = step or "", _knobs(given)
    if is_file(name):
        from slipway_workflows.cli import workflow_trial

        stands, run = workflow_trial.stands(Path(name)), workflow_trial.runs_of(Path(name))
        found = optimizer.optimize(name, workflow_trial.KNOBS, run, stands | now, runs, _progress, chosen)
    else:
        knobs = optimizer.knobs_of(name)
        with tempfile.TemporaryDirectory() as directory:
            used = _given(name, workflow, package, dataset, Path(directory) / "package")
            found = optimizer.optimize(name, knobs, optimizer.runs_of(name, *used), now, runs, _progress, chosen)
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


def _given(step: str, workflow: str, package: Path | None, dataset: str | None, target: Path) -> tuple[str, ...]:
    """What a step is run on: a packaged model, or data and a seed. Raises BadInput for an option of another step."""
    if step == TRAIN and package:
        raise BadInput("train takes no packaged model", "give it data: --dataset digits")
    if step != TRAIN and dataset:
        raise BadInput(f"{step} takes no data", "give it a packaged model: --package DIRECTORY")
    if step != TRAIN:
        return (str(package or _package_of(step, workflow, target)),)
    if dataset:
        return (dataset, "0")
    inputs = _inputs_of(step, workflow, DATASET)
    return (inputs[DATASET], inputs.get(SEED, "0"))


def _package_of(step: str, workflow: str, target: Path) -> Path:
    """Download the packaged model that a step of a stored run was given."""
    from slipway_steps.adapters.world import make_world

    run_id = _inputs_of(step, workflow, RUN_ID)[RUN_ID]
    return make_world(current_settings()).registry.download_package(run_id, target)


def _inputs_of(step: str, workflow: str, wanted: str) -> dict[str, str]:
    """The inputs of a step of a stored run. Raises Refused where it has no such step with the wanted input."""
    from slipway_workflows import engine
    from slipway_workflows.argo.stored_node import parameter_values

    run = engine.stored_run(current_settings().home, backend.newest_or_named(backend.local_workflows(), workflow))
    for node in run.workflow.pods:
        given = parameter_values(node.inputs)
        if wanted in given and node.display_name.partition("(")[0] == step:
            return given
    told = "data with --dataset" if step == TRAIN else "a model with --package"
    raise Refused(f"{run.name} has not run the step {step}", f"name a workflow that has, or {told}")


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
