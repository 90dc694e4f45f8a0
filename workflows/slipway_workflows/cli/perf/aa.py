"""`slipway perf aa`: how far the alarms of comparisons can be believed on this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_scenario import TARGETS, PerfScenario
from slipway_workflows.cli.perf.interrupts import interrupted_by_sigterm
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.perf.aa import AaMeasurement, Calibration
    from slipway_steps.settings import Settings


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path), metavar="SCENARIO.JSON")
@click.option("--pairs", type=click.IntRange(10, 1000), default=60, show_default=True, help="Pairs of equal sides.")
@click.option(
    "--inject",
    type=click.FloatRange(0, 1000),
    default=10.0,
    show_default=True,
    help="Percent of a run's processor time by which a step is slowed, in as many pairs; 0: in none.",
)
@click.option("--live", type=click.IntRange(0, 1000), default=0, help="Make so many whole comparisons of equal sides.")
@click.option("--target", type=click.Choice(TARGETS), help="Where the pipelines run, instead of the scenario's target.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def aa(scenario: Path, pairs: int, inject: float, live: int, target: str | None, output: str) -> int:
    """Compare the pipeline of a scenario with itself, and with a copy in which a step is really slower, and replay the
    rule of comparisons on the pairs.

    Exit codes: 0 at most 5 % of the replayed comparisons of equal sides were rejected, 1 more were, or it could not be
    measured, 130 after Ctrl-C; what was measured until then is shown.
    """
    from slipway_steps.perf.modes import mode_names
    from slipway_steps.perf.scenario_file import find_pipeline, read_scenarios

    settings, code = current_settings(), 0
    for asked in read_scenarios(scenario, mode_names(), target):
        pipeline = find_pipeline(asked, scenario.parent)
        if pipeline is None:
            raise BadInput(f"{scenario} names no pipeline", "set pipelineFileName")
        with interrupted_by_sigterm(), _measurement(asked, pipeline, settings) as measurement:
            found = measurement.replayed(pairs, inject)
            alarms = measurement.live(live) if live and not found.interrupted else None
        if output == "json":
            told = found.model_dump(mode="json") | {"live": alarms.model_dump() if alarms else None}
            click.echo(json.dumps(told, indent=1))
        else:
            for line in [*_lines(found), *(alarms.lines() if alarms else [])]:
                click.echo(line)
        if found.interrupted or (alarms and alarms.interrupted):
            raise KeyboardInterrupt
        measured = alarms is None or alarms.number > 0
        code = max(code, 0 if found.believable and measured else 1)
    return code


@contextmanager
def _measurement(scenario: PerfScenario, pipeline: Path, settings: "Settings") -> "Iterator[AaMeasurement]":
    from slipway_steps.adapters.targets.choice import make_target
    from slipway_steps.perf.aa import AaMeasurement
    from slipway_steps.perf.sides import new_name, open_side
    from slipway_steps.perf.yardstick import yardstick
    from slipway_workflows.cli.perf.progress import progress

    name, directory = new_name(), settings.home / "perf"
    # how many runs there will be, depends on what they show
    with progress(scenario.model_copy(update={"num_times": None})) as tell:
        yield AaMeasurement(
            scenario,
            pipeline,
            lambda side: open_side(scenario, make_target(scenario.target, settings), directory, f"{name}-{side}", side),
            lambda: yardstick(directory),
            tell,
        )


def _lines(found: "Calibration") -> Iterator[str]:
    for metric in found.metrics:
        yield metric.sentence(found.inject)
    if found.step:
        yield f"slowed: step `{found.step}`, by {1000 * found.seconds:.0f} ms of processor time; {found.pairs} pairs"
    yield from found.notes
    if not found.believable:
        noisy = ", ".join(one.metric for one in found.metrics if one.false_alarms > 0.05)
        yield f"do not gate on {noisy} here: equal sides are rejected too often"
