"""`slipway perf baseline`: measures what later sessions of a scenario are judged against."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import LEAST_RUNS, TARGETS
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.cli.perf.run import measured
from slipway_workflows.cli.settings import current_settings

if TYPE_CHECKING:
    from slipway_steps.domain.perf_session import PerfSession


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path), metavar="SCENARIO.JSON")
@click.option("--sessions", type=click.IntRange(5, 100), default=5, show_default=True, help="Sessions to run.")
@click.option("--target", type=click.Choice(TARGETS), help="Where the pipelines run, instead of the scenario's target.")
def baseline(scenario: Path, sessions: int, target: str | None) -> int:
    """Run a scenario several times and make these sessions its baseline, in place of the one before.

    From then on `slipway perf run` judges against it: a session over the limit is suspected, the second in a row is a
    regression. The limit grows by what the sessions of the baseline differ.

    Exit codes: 0 there is a new baseline, 1 a session failed or was inconclusive; the baseline is then as it was.
    """
    from slipway_steps.adapters.world import make_world
    from slipway_steps.perf.modes import mode_names
    from slipway_steps.perf.scenario_file import find_pipeline, read_scenarios

    settings = current_settings()
    measurements = make_world(settings).measurements
    scenarios = read_scenarios(scenario, mode_names())
    if target:
        scenarios = [one.model_copy(update={"target": target}) for one in scenarios]
    for one in scenarios:
        if one.mode != "RANDOM_GETS" and one.num_times is not None and one.num_times < LEAST_RUNS:
            what = f"{one.name or one.pipeline_file_name} makes {one.num_times} runs"
            raise BadInput(
                f"{what}, and a time is judged from {LEAST_RUNS} on", f"set numTimes to {LEAST_RUNS} or more"
            )
    pipelines = [find_pipeline(one, scenario.parent) for one in scenarios]
    for one, pipeline in zip(scenarios, pipelines, strict=True):
        found = []
        for number in range(1, sessions + 1):
            click.echo(f"session {number} of {sessions}", err=True)
            found.append(measured(one, pipeline, settings))
            measurements.save(found[-1])
            _check(found[-1])
        before = measurements.baseline(found[0].scenario_digest)
        for session in found:
            measurements.set_baseline(session.name, True)
        for old in before:
            measurements.set_baseline(old.name, False)
        for line in _lines(found):
            click.echo(line)
    return 0


def _check(session: "PerfSession") -> None:
    """Raises Refused for a session that proves nothing: it would make a baseline that nobody can believe."""
    if session.verdict is Verdict.PASS:
        return
    said = "; ".join(check.message for check in session.checks if check.verdict is not Verdict.PASS)
    raise Refused(f"session {session.name} is {session.verdict}, which is no baseline: {said}", "mend it first")


def _lines(sessions: "Sequence[PerfSession]") -> Iterator[str]:
    from slipway_steps.perf.baseline import baseline_median, noise_floor
    from slipway_steps.perf.limits import limits_of

    first = sessions[0]
    title = first.scenario.name or first.scenario.pipeline_file_name
    yield f"{title} · {first.fingerprint.target} · baseline of {len(sessions)} sessions"
    for metric, limit in limits_of(first.scenario, first.unmeasured).items():
        usual, floor = baseline_median(metric, sessions), noise_floor(metric, sessions)
        if usual is None:
            yield f"{metric:<12} was not measured"
        else:
            value = f"{usual:.3g} {METRICS[metric].unit}"
            yield f"{metric:<12} {value}   sessions differ by {100 * floor:.1f} %   limit ×{limit + floor:.2f}"
            if floor > limit - 1:
                yield f"warning: {metric} below ×{limit + floor:.2f} will pass; measure again on a quieter machine"
