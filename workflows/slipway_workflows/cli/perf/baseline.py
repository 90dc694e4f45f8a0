"""`slipway perf baseline`: measures what later sessions of a scenario are judged against."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.perf_scenario import TARGETS, PerfScenario
from slipway_workflows.cli.perf.run import measured
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.domain.perf_session import PerfSession
    from slipway_steps.settings import Settings


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path), metavar="SCENARIO.JSON")
@click.option("--sessions", type=click.IntRange(5, 100), default=5, show_default=True, help="Sessions to run.")
@click.option("--target", type=click.Choice(TARGETS), help="Where the pipelines run, instead of the scenario's target.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def baseline(scenario: Path, sessions: int, target: str | None, output: str) -> int:
    """Run a scenario several times and make these sessions its baseline, in place of the one before.

    From then on `slipway perf run` judges against it: a session over the limit is suspected, the second in a row is a
    regression. The limit grows by what the sessions of the baseline differ.

    Exit codes: 0 there is a new baseline, 1 a session failed or was inconclusive; the baseline is then as it was.
    """
    from slipway_steps.adapters.world import make_world
    from slipway_steps.perf.modes import mode_names
    from slipway_steps.perf.new_baseline import baseline_lines, baseline_told, check_runs, make_baseline
    from slipway_steps.perf.scenario_file import find_pipeline, read_scenarios

    settings = current_settings()
    measurements = make_world(settings).measurements
    scenarios = read_scenarios(scenario, mode_names(), target)
    for one in scenarios:
        check_runs(one)
    pipelines = [find_pipeline(one, scenario.parent) for one in scenarios]
    told = []
    try:
        for one, pipeline in zip(scenarios, pipelines, strict=True):
            found = make_baseline(sessions, partial(_measured, one, pipeline, settings, sessions), measurements)
            told.append(baseline_told(found))
            for line in baseline_lines(found) if output == "text" else ():
                click.echo(line)
    finally:
        # the baselines before one that failed are there
        if output == "json" and told:
            click.echo(json.dumps(told if len(told) != 1 else told[0], indent=1))
    return 0


def _measured(
    scenario: PerfScenario, pipeline: Path | None, settings: "Settings", sessions: int, number: int
) -> "PerfSession":
    click.echo(f"session {number} of {sessions}", err=True)
    return measured(scenario, pipeline, settings)
