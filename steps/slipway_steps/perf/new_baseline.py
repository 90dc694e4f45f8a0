"""Makes the baseline of a scenario: sessions that pass, in place of those that were its baseline before."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import LEAST_RUNS, PerfScenario
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.plural import so_many
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.baseline import baseline_median, noise_floor
from slipway_steps.perf.limits import limits_of
from slipway_steps.perf_ports import Measurements


def check_runs(scenario: PerfScenario) -> None:
    """Raises BadInput for a scenario with fewer runs than a time is judged from."""
    if scenario.mode != "RANDOM_GETS" and scenario.num_times is not None and scenario.num_times < LEAST_RUNS:
        what = f"{scenario.name or scenario.pipeline_file_name} makes {so_many(scenario.num_times, 'run')}"
        raise BadInput(f"{what}, and a time is judged from {LEAST_RUNS} on", f"set numTimes to {LEAST_RUNS} or more")


def make_baseline(
    sessions: int, measure: Callable[[int], PerfSession], measurements: Measurements
) -> list[PerfSession]:
    """Measure so many sessions, store each, and make them the baseline; returns them.

    measure: measures one session; is given its number, from 1 on. Raises Refused for a session that does not pass, as
    nobody can believe a baseline with it; the baseline is then as it was.
    """
    found: list[PerfSession] = []
    for number in range(1, sessions + 1):
        found.append(measure(number))
        measurements.save(found[-1])
        _check(found[-1])
    before = measurements.baseline(found[0].scenario_digest)
    for session in found:
        measurements.set_baseline(session.name, True)
    for old in before:
        measurements.set_baseline(old.name, False)
    return found


def _check(session: PerfSession) -> None:
    if session.verdict is Verdict.PASS:
        return
    said = "; ".join(check.message for check in session.checks if check.verdict is not Verdict.PASS)
    raise Refused(f"session {session.name} is {session.verdict}, which is no baseline: {said}", "mend it first")


@dataclass(frozen=True)
class Usual:
    """What is usual of a judged metric by a baseline. median: None where it was not measured. floor: the share by which
    sessions differ. limit: the largest ratio to the median that passes, the floor included.
    """

    metric: str
    unit: str
    median: float | None
    floor: float
    limit: float


def usual(sessions: Sequence[PerfSession]) -> list[Usual]:
    """What is usual of each judged metric."""
    first, found = sessions[0], []
    for metric, limit in limits_of(first.scenario, first.unmeasured).items():
        floor = noise_floor(metric, sessions)
        found.append(Usual(metric, METRICS[metric].unit, baseline_median(metric, sessions), floor, limit + floor))
    return found


def baseline_told(sessions: Sequence[PerfSession]) -> dict[str, object]:
    """What a baseline says, for JSON."""
    first = sessions[0]
    return {
        "scenario": first.scenario.name or first.scenario.pipeline_file_name,
        "target": first.fingerprint.target,
        "sessions": [one.name for one in sessions],
        "metrics": [asdict(one) for one in usual(sessions)],
    }


def baseline_lines(sessions: Sequence[PerfSession]) -> Iterator[str]:
    """What a baseline says, for people: each judged metric with its median, its noise and the limit that follows."""
    first = sessions[0]
    title = first.scenario.name or first.scenario.pipeline_file_name
    yield f"{title} · {first.fingerprint.target} · baseline of {so_many(len(sessions), 'session')}"
    for one in usual(sessions):
        if one.median is None:
            yield f"{one.metric:<12} was not measured"
            continue
        value = f"{one.median:.3g} {one.unit}"
        yield f"{one.metric:<12} {value}   sessions differ by {100 * one.floor:.1f} %   limit ×{one.limit:.2f}"
        if one.floor > one.limit - one.floor - 1:
            yield f"warning: {one.metric} below ×{one.limit:.2f} will pass; measure again on a quieter machine"
