"""`slipway perf run`: runs the scenarios of a file and reports what was measured."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.errors import Broken, SlipwayError
from slipway_steps.domain.perf_metrics import END_TO_END
from slipway_steps.domain.perf_scenario import TARGETS, PerfScenario
from slipway_workflows.cli.exit_codes import CODES, UNDECIDED, WORST
from slipway_workflows.cli.perf.interrupts import interrupted_by_sigterm
from slipway_workflows.cli.perf.progress import progress
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.domain.perf_comparison import PerfComparison
    from slipway_steps.domain.perf_session import PerfSession
    from slipway_steps.perf.keeping import Kept
    from slipway_steps.settings import Settings


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path), metavar="SCENARIO.JSON")
@click.option("--target", type=click.Choice(TARGETS), help="Where the pipelines run, instead of the scenario's target.")
@click.option("--output", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True)
def run(scenario: Path, target: str | None, output: str) -> int:
    """Run the scenarios of a file, one after the other, and report what was measured.

    Exit codes: 0 passed, 2 too many runs failed or a threshold was not met, 1 inconclusive, broken or bad input, 130
    after Ctrl-C; what was measured until then is kept.
    """
    from slipway_steps.perf.driver import SessionInterrupted
    from slipway_steps.perf.keeping import Kept
    from slipway_steps.perf.modes import mode_names
    from slipway_steps.perf.scenario_file import find_pipeline, read_scenarios

    scenarios = read_scenarios(scenario, mode_names(), target)
    pipelines = [find_pipeline(one, scenario.parent) for one in scenarios]
    settings = current_settings()
    kept: list[Kept] = []
    with interrupted_by_sigterm():
        for one, pipeline in zip(scenarios, pipelines, strict=True):
            try:
                kept.append(_run(one, pipeline, settings))
            except SessionInterrupted as interrupted:
                _show([*kept, Kept(interrupted.session)], output, settings, scenario)
                raise
            except (SlipwayError, KeyboardInterrupt):
                # what the scenarios before it measured is told
                if kept:
                    _show(kept, output, settings, scenario)
                raise
        reported = _show(kept, output, settings, scenario)
    codes = {CODES[one.session.verdict] for one in kept} | (set() if reported else {UNDECIDED})
    return next(code for code in WORST if code in codes)


def _run(scenario: PerfScenario, pipeline: Path | None, settings: "Settings") -> "Kept":
    """Measure a session, judge it against its baseline, and keep it."""
    from slipway_steps.adapters.world import make_world
    from slipway_steps.perf.driver import SessionInterrupted
    from slipway_steps.perf.keeping import keep, not_stored
    from slipway_steps.perf.store import SESSION, write_session

    session = measured(scenario, pipeline, settings)
    try:
        world = make_world(settings)
        kept = keep(session, world.measurements, world.notifier, settings.pushgateway_url)
    except KeyboardInterrupt:
        raise SessionInterrupted(session) from None
    for warning in kept.warnings:
        click.echo(f"warning: {warning}", err=True)
    try:
        # the driver has stored it without what the baseline says
        write_session(settings.home / "perf" / session.name / SESSION, kept.session)
    except Broken as error:
        return kept._replace(session=not_stored(kept.session, error))
    return kept


def measured(scenario: PerfScenario, pipeline: Path | None, settings: "Settings") -> "PerfSession":
    """Run a session and show on stderr how far it is."""
    from slipway_steps.adapters.git.revision import head_commit
    from slipway_steps.adapters.targets.choice import make_target
    from slipway_steps.perf.driver import run_session

    target = make_target(scenario.target, settings)
    revision = settings.revision or head_commit(pipeline.absolute().parent if pipeline else Path.cwd())
    directory = settings.home / "perf"
    with progress(scenario) as tell:
        return run_session(
            scenario, target, directory=directory, pipeline=pipeline, revision=revision, on_progress=tell
        )


def _report(kept: "Kept", directory: Path) -> Path:
    """Write the HTML report of a session into its directory, with the sessions before it."""
    from slipway_steps.perf.history import hints
    from slipway_workflows.report.perf_page import write_perf_report
    from slipway_workflows.report.perf_plots import HistoryPoint

    sessions = [*kept.previous, kept.session]
    known = [(one, median) for one in sessions if (median := one.median(END_TO_END)) is not None]
    points = [HistoryPoint(one.started, median, one.name in kept.baseline) for one, median in known]
    hint = "; ".join(hints(END_TO_END, sessions))
    return write_perf_report(kept.session, directory / "report.html", points, hint)


def junit(results: "Sequence[PerfSession | PerfComparison]") -> str:
    """The checks of results as JUnit XML, a suite for each."""
    from slipway_workflows.report import perf_formats
    from slipway_workflows.report.perf_formats import PerfSuite, suite_name

    return perf_formats.junit(
        [PerfSuite(suite_name(one.scenario), one.name, one.checks, one.finished - one.started) for one in results]
    )


def _show(kept: "list[Kept]", output: str, settings: "Settings", file: Path) -> bool:
    """Write the reports and print what was measured; returns whether all reports could be written."""
    reports: list[Path | None] = []
    for one in kept:
        try:
            reports.append(_report(one, settings.home / "perf" / one.session.name))
        except (SlipwayError, OSError) as error:  # such as a full disk; what was measured is printed all the same
            click.echo(f"warning: {error}", err=True)
            reports.append(None)
    _print(kept, reports, output, file)
    return None not in reports


def _print(kept: "list[Kept]", reports: "Sequence[Path | None]", output: str, file: Path) -> None:
    if output == "json":
        told = [one.session.model_dump(mode="json") for one in kept]
        click.echo(json.dumps(told if len(told) != 1 else told[0], indent=1))
        return
    if output == "junit":
        click.echo(junit([one.session for one in kept]))
        return
    from slipway_workflows.cli.perf.summary import lines

    for one, report in zip(kept, reports, strict=True):
        for line in lines(one.session, report, file):
            click.echo(line)
