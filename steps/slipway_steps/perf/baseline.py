"""Judges a session against a stored baseline, for changes that cannot be measured in turn, such as a new controller.

Two sessions at different times differ by more than the runs within one of them, because noise is correlated in time.
The baseline is therefore several sessions, the limit grows by what adjacent ones of them differ, and one session over
the limit is a suspicion; only the second in a row is a regression.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from slipway_steps.domain.perf_metrics import END_TO_END, METRICS
from slipway_steps.domain.perf_session import Fingerprint, PerfSession
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.perf.limits import limits_of
from slipway_steps.perf.statistics import median, ratio_interval

LEAST_SESSIONS = 5
"""Sessions under which there is no baseline."""
FLOOR_PERCENT = 95
BASELINE, BASELINE_PREFIX = "baseline", "baseline-"
"""The code of the check on the baseline itself, and the begin of those on metrics."""


def judged_against_baseline(
    session: PerfSession, baseline: Sequence[PerfSession], previous: Sequence[PerfSession]
) -> list[Check]:
    """A check for each judged metric of a session; none where there is no baseline at all, or the mode runs nothing.

    baseline: the sessions of the scenario's baseline. previous: other sessions of the scenario, in the order of time;
    those of another machine, those before the baseline and the baseline itself play no part.
    """
    if not (baseline and session.runs):
        return []
    fitting = [one for one in baseline if same_machine(one.fingerprint, session.fingerprint)]
    if not fitting:
        changed = fingerprint_changes(baseline[-1].fingerprint, session.fingerprint)
        return [_unknown(BASELINE, f"the baseline was measured on something else: {changed}; measure it anew")]
    if len(fitting) < LEAST_SESSIONS:
        return [_unknown(BASELINE, f"the baseline has {len(fitting)} sessions, {LEAST_SESSIONS} are needed")]
    before = _before(session, fitting, previous)
    limits = limits_of(session.scenario, session.unmeasured)
    return [_judged(metric, limit, session, fitting, before) for metric, limit in limits.items()]


def same_machine(before: Fingerprint, now: Fingerprint) -> bool:
    """Whether two sessions may be compared: on the same machine and target. The version of the target may differ, as a
    new one is what a stored baseline is for.
    """
    return before.model_copy(update={"target_version": now.target_version}) == now


def baseline_median(metric: str, baseline: Iterable[PerfSession]) -> float | None:
    """The median of the sessions' medians; None where no session has measured the metric."""
    medians = _medians(metric, baseline)
    return median(medians) if medians else None


def noise_floor(metric: str, baseline: Iterable[PerfSession]) -> float:
    """By which share adjacent sessions of the same pipeline differ: the 95th percentile."""
    medians = _medians(metric, baseline)
    differences = [math.exp(abs(math.log(later / earlier))) - 1 for earlier, later in pairwise(medians)]
    return percentile(differences, FLOOR_PERCENT) if differences else 0.0


def fingerprint_changes(before: Fingerprint, now: Fingerprint) -> str:
    """The fields of two fingerprints that differ, with both values; "" where none does."""
    pairs = ((name, getattr(before, name), getattr(now, name)) for name in Fingerprint.model_fields)
    return ", ".join(f"{name} {old} -> {new}" for name, old, new in pairs if old != new)


def _before(
    session: PerfSession, baseline: Sequence[PerfSession], previous: Sequence[PerfSession]
) -> PerfSession | None:
    """The session before this one on the same machine, since the baseline was measured."""
    since = max(one.started for one in baseline)
    fitting = [
        one
        for one in previous
        if since < one.started < session.started and same_machine(one.fingerprint, session.fingerprint)
    ]
    return max(fitting, key=lambda one: one.started, default=None)


def _medians(metric: str, sessions: Iterable[PerfSession]) -> list[float]:
    found = (session.median(metric) for session in sessions)
    return [value for value in found if value is not None and value > 0]


def _judged(
    metric: str, limit: float, session: PerfSession, baseline: Sequence[PerfSession], before: PerfSession | None
) -> Check:
    value, usual = session.median(metric), baseline_median(metric, baseline)
    code, unit = BASELINE_PREFIX + metric, METRICS[metric].unit
    if not value or not usual:
        why = session.unmeasured.get(metric, "no run that succeeded tells it")
        where = "baseline" if value else "session"
        return _unknown(code, f"{metric} was not measured in the {where}: {why}")
    floor = noise_floor(metric, baseline)
    wide = limit + floor
    verdict = Verdict.PASS
    message = f"{metric} {value:.3g} {unit}, {_ratio(session, metric, usual)} of the baseline's {usual:.3g} {unit}"
    message += f", limit ×{wide:.2f} ({100 * (limit - 1):.0f} % and {100 * floor:.0f} % of noise)"
    changed = fingerprint_changes(baseline[-1].fingerprint, session.fingerprint)
    message += f"; {changed}" if changed else ""
    if value > wide * usual:
        earlier = before.median(metric) if before else None
        again = earlier is not None and earlier > wide * usual
        verdict = Verdict.REJECT if again else Verdict.INCONCLUSIVE
        message += "; for the second time" if again else "; suspected: measure once more"
        message += _where(session, baseline) if metric == END_TO_END else ""
    return Check(code=code, verdict=verdict, message=message, measured=value, threshold=wide * usual, unit=unit)


def _ratio(session: PerfSession, metric: str, usual: float) -> str:
    """The ratio of the session's runs to the baseline, with its interval where there are enough runs."""
    logs = [math.log(value / usual) for value in session.values(metric) if value > 0]
    interval = ratio_interval(logs, 0.05) if logs else None
    return str(interval) if interval else f"×{(session.median(metric) or 0) / usual:.2f}"


def _where(session: PerfSession, baseline: Sequence[PerfSession]) -> str:
    """The step that has grown most against the baseline."""
    now = step_medians(session)
    usual = [step_medians(one) for one in baseline]
    grown = {step: value - median([one.get(step, 0.0) for one in usual]) for step, value in now.items()}
    if not grown or max(grown.values()) <= 0:
        return ""
    step = max(grown, key=lambda one: grown[one])
    return f"; step `{step}` has grown most ({grown[step]:+.2g} s)"


def step_medians(session: PerfSession) -> dict[str, float]:
    """The median seconds of each step, over the runs that had it."""
    found: dict[str, list[float]] = {}
    for run in session.timed:
        for step, seconds in run.components.items():
            found.setdefault(step, []).append(seconds)
    return {step: median(values) for step, values in found.items()}


def _unknown(code: str, message: str) -> Check:
    return Check(code=code, verdict=Verdict.INCONCLUSIVE, message=message)
