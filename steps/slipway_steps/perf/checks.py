"""Judges a session by itself: whether enough runs succeeded, too many failed or never started, and whether each
threshold is met.
"""

from slipway_steps.domain.perf_measures import KNEE, measures_of
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import LEAST_RUNS, MODES
from slipway_steps.domain.perf_session import PerfSession, RunOutcome
from slipway_steps.domain.plural import so_many, were
from slipway_steps.domain.verdict import Check, Verdict

ERROR_RATE, RUNS, FIRINGS = "error-rate", "runs", "firings"
INTERRUPTED, SESSION, TARGET = "interrupted", "session", "target"
NOT_ENDED = (RunOutcome.UNFINISHED, RunOutcome.BROKEN)
"""The outcomes that tell neither that a pipeline works nor that it fails."""


def checks_of(session: PerfSession, *, interrupted: bool = False) -> list[Check]:
    """The checks of a session. interrupted: it was ended by a person."""
    found = [*_firings(session), *_thresholds(session)]
    if not _measures_alone(session):
        found.insert(0, _error_rate(session))
        if session.counted or not session.requests:
            found.append(_runs(session))
    found += _target(session)
    if interrupted:
        found.append(Check(code=INTERRUPTED, verdict=Verdict.INCONCLUSIVE, message="it was interrupted"))
    if session.errors:
        found.append(Check(code=SESSION, verdict=Verdict.ERROR, message="; ".join(session.errors)))
    return found


def _measures_alone(session: PerfSession) -> bool:
    """Whether a mode of another package has started nothing, and a threshold judges what it has measured instead."""
    if session.scenario.mode in MODES or session.runs or session.requests or session.firings:
        return False
    return not session.scenario.thresholds.keys().isdisjoint(session.measures)


def _error_rate(session: PerfSession) -> Check:
    """How many runs and requests failed. An unfinished or broken run has not failed: see `_runs` and `_target`."""
    ended = [run for run in session.judged if run.outcome not in NOT_ENDED]
    failed = [run for run in ended if run.outcome is RunOutcome.FAILED]
    if session.requests:
        failures, total, what = sum(one.failed for one in session.requests), len(session.requests), "request"
    else:
        failures, total, what = len(failed), len(ended), "run"
    rate, most = failures / total if total else 0.0, session.scenario.max_error_rate
    message = f"{failures} of {so_many(total, what)} failed"
    if failed and not session.requests:
        message += f"; the first: {failed[0].message}"
    verdict = Verdict.REJECT if rate > most else Verdict.PASS if total else Verdict.INCONCLUSIVE
    return Check(code=ERROR_RATE, verdict=verdict, message=message, measured=rate, threshold=most)


def _firings(session: PerfSession) -> list[Check]:
    """Whether a schedule started what it should; no check where there is none. Without a run nothing is known."""
    if session.scenario.mode != "SCHEDULED_RUNS":
        return []
    known = [one for one in session.firings if not one.broken]
    total, most = len(known), session.scenario.max_error_rate
    missed = sum(one.started is None for one in known)
    rate = missed / total if total else 0.0
    verdict = Verdict.REJECT if rate > most else Verdict.PASS if missed < total else Verdict.INCONCLUSIVE
    message = f"{missed} of {so_many(total, 'firing')} {were(missed)} missed" if total else "the schedule has not fired"
    return [Check(code=FIRINGS, verdict=verdict, message=message, measured=rate, threshold=most)]


def _runs(session: PerfSession) -> Check:
    """Whether enough runs succeeded in time. However many may fail, a pipeline of which no run succeeds is rejected.

    A smoke test asks whether a pipeline runs at all, and may have fewer runs than a time can be told from.
    """
    succeeded = len(session.timed)
    late = sum(run.outcome is RunOutcome.UNFINISHED for run in session.judged)
    failed = sum(run.outcome is RunOutcome.FAILED for run in session.judged)
    scenario = session.scenario
    least = min(LEAST_RUNS, scenario.num_times or LEAST_RUNS) if scenario.kind == "smoke" else LEAST_RUNS
    message = f"{so_many(succeeded, 'run')} succeeded" + (f", {failed} failed" if failed else "")
    message += f", {late} {were(late)} ended at the deadline" if late else ""
    message += f"; {least} are needed" if succeeded < least else ""
    none = Verdict.REJECT if failed and not succeeded else Verdict.INCONCLUSIVE
    verdict = Verdict.PASS if succeeded >= least else none
    return Check(code=RUNS, verdict=verdict, message=message, measured=succeeded, threshold=least)


def _target(session: PerfSession) -> list[Check]:
    """Whether the target could always be asked; no check where it could."""
    broken = [run.message for run in session.counted if run.outcome is RunOutcome.BROKEN]
    message = f"the target could not be asked in {len(broken)} of {so_many(len(session.counted), 'run')}"
    if not broken:
        broken = [one.broken for one in session.firings if one.broken]
        message = f"the target could not start a run at {len(broken)} of {so_many(len(session.firings), 'firing')}"
    if not broken:
        return []
    message += f"; the first: {broken[0]}"
    return [Check(code=TARGET, verdict=Verdict.ERROR, message=message, measured=len(broken), threshold=0)]


def _thresholds(session: PerfSession) -> list[Check]:
    """The limits that the scenario names: of medians, and of what the mode and the kind measure."""
    given = session.scenario.thresholds.items()
    return [_median(session, name, most) if name in METRICS else _measure(session, name, most) for name, most in given]


def _median(session: PerfSession, metric: str, most: float) -> Check:
    median, unit = session.median(metric), METRICS[metric].unit
    if median is None:
        why = session.unmeasured.get(metric, "no run that succeeded tells it")
        verdict, message = Verdict.INCONCLUSIVE, f"{metric} was not measured: {why}"
    else:
        verdict = Verdict.REJECT if median > most else Verdict.PASS
        message = f"median {metric} {median:g} {unit}, at most {most:g}"
    return Check(code=metric, verdict=verdict, message=message, measured=median, threshold=most, unit=unit)


def _measure(session: PerfSession, name: str, limit: float) -> Check:
    value = session.measures.get(name)
    known = measures_of(session.scenario.mode, session.scenario.kind).get(name)
    more = known is not None and known.more_is_better
    if value is None:
        early = "the test ended before it was too much: give it more numTimes or runTime, or allowMore"
        why = early if name == KNEE else "nothing of the session tells it"
        verdict, message = Verdict.INCONCLUSIVE, f"{name} was not measured: {why}"
    else:
        missed = value < limit if more else value > limit
        verdict = Verdict.REJECT if missed else Verdict.PASS
        message = f"{name}: {value:.4g}, at {'least' if more else 'most'} {limit:g}"
    return Check(code=name, verdict=verdict, message=message, measured=value, threshold=limit)
