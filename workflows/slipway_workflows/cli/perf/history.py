"""`slipway perf history`: the sessions of a scenario in the order of time, and what they suggest."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_metrics import END_TO_END, METRICS
from slipway_steps.domain.perf_scenario import TARGETS
from slipway_steps.domain.plural import so_many
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.domain.perf_session import PerfSession


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path), metavar="SCENARIO.JSON")
@click.option("--metric", type=click.Choice(list(METRICS)), default=END_TO_END, show_default=True)
@click.option("--most", type=click.IntRange(1, 1000), default=100, show_default=True, help="Sessions, the newest ones.")
@click.option("--target", type=click.Choice(TARGETS), help="Where the pipelines ran, instead of the scenario's target.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def history(scenario: Path, metric: str, most: int, target: str | None, output: str) -> int:
    """Show the stored sessions of a scenario and its pipeline as it is now, with hints of a trend or a sudden change.

    Hints never judge: noise that is correlated in time looks like a change in up to a quarter of histories.
    """
    from slipway_steps.adapters.world import make_world
    from slipway_steps.perf.driver import scenario_digest
    from slipway_steps.perf.history import hints
    from slipway_steps.perf.modes import mode_names
    from slipway_steps.perf.scenario_file import find_pipeline, read_scenarios

    measurements, told = make_world(current_settings()).measurements, []
    for asked in read_scenarios(scenario, mode_names(), target):
        digest = scenario_digest(asked, find_pipeline(asked, scenario.parent))
        sessions = measurements.sessions(digest, most=most)
        if not sessions:
            raise BadInput(
                f"no session of {scenario} is stored",
                "slipway perf run stores one; a pipeline that changed has a history of its own",
            )
        chosen = {session.name for session in measurements.baseline(digest)}
        suggested = hints(metric, sessions)
        if output == "json":
            rows = [_row(session, metric, session.name in chosen) for session in sessions]
            told.append({"metric": metric, "sessions": rows, "hints": suggested})
            continue
        for line in [*_lines(sessions, metric, chosen), *(f"hint: {hint}" for hint in suggested)]:
            click.echo(line)
    if output == "json":
        click.echo(json.dumps(told if len(told) != 1 else told[0], indent=1))
    return 0


def _row(session: "PerfSession", metric: str, baseline: bool) -> dict[str, object]:
    return {
        "session": session.name,
        "started": session.started,
        "revision": session.revision,
        "median": session.median(metric),
        "runs": len(session.values(metric)),
        "verdict": session.verdict,
        "fingerprint": session.fingerprint.digest,
        "baseline": baseline,
    }


def _lines(sessions: "Sequence[PerfSession]", metric: str, baseline: set[str]) -> Iterator[str]:
    from slipway_steps.perf.history import machine_change

    unit, before = METRICS[metric].unit, None
    for session in sessions:
        if change := machine_change(before, session):
            yield f"-- the machine changed: {change}"
        median = session.median(metric)
        value = f"{median:.4g} {unit}" if median is not None else "not measured"
        started = datetime.fromtimestamp(session.started).astimezone().strftime("%Y-%m-%d %H:%M")
        timed = so_many(len(session.values(metric)), "run")
        parts = [started, session.name, f"{value:<12}", timed, session.verdict.value]
        parts += [session.revision[:12]] if session.revision else []
        parts += ["baseline"] if session.name in baseline else []
        yield "   ".join(parts)
        before = session
