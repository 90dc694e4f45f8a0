"""Judges a session against a stored baseline, for changes that cannot be measured in turn, such as a new controller.

Two sessions at different times differ by more than the runs within one of them, because noise is correlated in time.
The baseline is therefore several sessions, the limit grows by what adjacent ones of them differ, and one session over
the limit is a suspicion; only the second in a row is a regression.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from slipway_steps.domain.perf_comparison import StepChange
from slipway_steps.domain.perf_metrics import END_TO_END, METRICS
from slipway_steps.domain.perf_scenario import LEAST_RUNS
from slipway_steps.domain.perf_session import Fingerprint, PerfSession
from slipway_steps.domain.plural import so_many
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.perf.limits import limits_of
from slipway_steps.perf.statistics import median, ratio_interval
from slipway_steps.perf.step_changes import BESIDE_STEPS, where
from slipway_steps.perf.yardstick import usual_yardstick

LEAST_SESSIONS = 5
"""Sessions under which there is no baseline."""
FLOOR_PERCENT = 95
INTERVAL_ALPHA = 0.1
"""Of the interval that is shown: five runs give one of 90 %, and none of 95 %."""
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
    if len(session.timed) < LEAST_RUNS:
        what = f"{so_many(len(session.timed), 'run')} succeeded"
        return [_unknown(BASELINE, f"{what}, {LEAST_RUNS} are needed to judge them against the baseline")]
    fitting = [one for one in baseline if same_machine(one.fingerprint, session.fingerprint)]
    if not fitting:
        changed = fingerprint_changes(baseline[-1].fingerprint, session.fingerprint)
        return [_unknown(BASELINE, f"the baseline was measured on something else: {changed}; measure it anew")]
    fitting = [one for one in fitting if len(one.timed) >= LEAST_RUNS]
    if len(fitting) < LEAST_SESSIONS:
        what = f"the baseline has {so_many(len(fitting), 'session')} of {LEAST_RUNS} or more runs"
        return [_unknown(BASELINE, f"{what}, {LEAST_SESSIONS} are needed")]
    before = _before(session, fitting, previous)
    limits = limits_of(session.scenario, session.unmeasured)
    return [_judged(metric, limit, session, fitting, before) for metric, limit in limits.items()]


def same_machine(before: Fingerprint, now: Fingerprint) -> bool:
    """Whether two sessions may be compared: on the same machine and target. The version of the target may differ, as a
    new one is what a stored baseline is for.
    """
    return before.machine == now.machine


def baseline_median(metric: str, baseline: Iterable[PerfSession]) -> float | None:
    """The median of the sessions' medians; None where no session has measured the metric."""
    medians = _medians(metric, baseline)
    return median(medians) if medians else None


def noise_floor(metric: str, baseline: Iterable[PerfSession]) -> float:
    """By which share adjacent sessions of the same pipeline differ: the 95th percentile."""
    medians = [value for value in _medians(metric, baseline) if value > 0]
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
    return [value for value in found if value is not None]


def _judged(
    metric: str, limit: float, session: PerfSession, baseline: Sequence[PerfSession], before: PerfSession | None
) -> Check:
    value, usual = session.median(metric), baseline_median(metric, baseline)
    code, unit = BASELINE_PREFIX + metric, METRICS[metric].unit
    if value is None or usual is None:
        why = session.unmeasured.get(metric, "no run that succeeded tells it")
        place = "session" if value is None else "baseline"
        return _unknown(code, f"{metric} was not measured in the {place}: {why}")
    if usual == 0:
        return _above_zero(metric, session, value)
    floor = noise_floor(metric, baseline)
    ratio, wide = value / usual, limit + floor
    decimals = _decimals(ratio, wide)
    verdict = Verdict.PASS
    message = f"{metric} {value:.3g} {unit}, ×{ratio:.{decimals}f}{_interval(session, metric, usual, ratio, decimals)}"
    message += f" of the baseline's {usual:.3g} {unit}, limit ×{wide:.{decimals}f}"
    message += f" ({100 * (limit - 1):.0f} % and {100 * floor:.0f} % of noise)"
    changed = fingerprint_changes(baseline[-1].fingerprint, session.fingerprint)
    message += f"; {changed}" if changed else ""
    if ratio > wide:
        again = before is not None and _grown(metric, before, baseline, usual, wide)
        if slow := _slow_machine(metric, session, baseline, ratio, wide):
            verdict = Verdict.INCONCLUSIVE
            message += f"; the machine itself is ×{slow:.2f} slower by the yardstick, which leaves ×{ratio / slow:.2f}"
            message += ": measure again when it is not"
        else:
            verdict = Verdict.REJECT if again else Verdict.INCONCLUSIVE
            message += "; for the second time" if again else "; suspected: measure once more"
        place = where(_step_changes(session, baseline), metric)
        message += f"; {place}" if place else ""
    return Check(code=code, verdict=verdict, message=message, measured=value, threshold=wide * usual, unit=unit)


def _grown(metric: str, session: PerfSession, baseline: Sequence[PerfSession], usual: float, most: float) -> bool:
    """Whether a session is over the limit, and not for its machine alone. most: the limit, as a ratio to `usual`."""
    value = session.median(metric)
    if value is None or value / usual <= most:
        return False
    return _slow_machine(metric, session, baseline, value / usual, most) is None


def _above_zero(metric: str, session: PerfSession, value: float) -> Check:
    """Judges a metric whose usual value is 0, of which nothing is a share: by its threshold alone."""
    code, most, unit = BASELINE_PREFIX + metric, session.scenario.thresholds.get(metric), METRICS[metric].unit
    message = f"{metric} {value:.3g} {unit}, and 0 in the baseline, of which there is no ratio"
    if most is None and value > 0:
        return _unknown(code, f"{message}: name its largest median in `thresholds`")
    verdict = Verdict.PASS if most is None or value <= most else Verdict.REJECT
    message += "" if most is None else f"; the threshold is {most:g} {unit}"
    return Check(code=code, verdict=verdict, message=message, measured=value, threshold=most, unit=unit)


def _slow_machine(
    metric: str, session: PerfSession, baseline: Iterable[PerfSession], ratio: float, most: float
) -> float | None:
    """By which factor the machine got slower since the baseline, where a time that grew by `ratio` is without that
    factor no longer over the limit `most`; None where it still is, or nothing is known.
    """
    marks = [mark for one in baseline if (mark := usual_yardstick(one)) is not None]
    now = usual_yardstick(session)
    if METRICS[metric].unit != "s" or now is None or not marks:
        return None
    factor = now / median(marks)
    return factor if ratio / factor <= most else None


def _decimals(ratio: float, limit: float) -> int:
    """With how many decimals a ratio and its limit are written, so that they compare as written as they do in truth."""
    written = ((decimals, f"{ratio:.{decimals}f}", f"{limit:.{decimals}f}") for decimals in range(2, 18))
    return next(decimals for decimals, one, most in written if (float(one) > float(most)) is (ratio > limit))


def _interval(session: PerfSession, metric: str, usual: float, ratio: float, decimals: int) -> str:
    """The interval of the ratio of the session's runs to the baseline; "" where there are too few runs. It belongs to
    another estimate than the ratio of the medians, which is judged; one without that ratio would only confuse.
    """
    logs = [math.log(value / usual) for value in session.values(metric) if value > 0]
    interval = ratio_interval(logs, INTERVAL_ALPHA) if logs else None
    if interval is None or not interval.low <= ratio <= interval.high:
        return ""
    return f" [{interval.low:.{decimals}f}, {interval.high:.{decimals}f}]"


def _step_changes(session: PerfSession, baseline: Sequence[PerfSession]) -> list[StepChange]:
    """By how much each step, and the time beside the steps, takes longer than in the baseline, with its share of the
    growth from end to end; the largest growth first.
    """
    whole = (session.median(END_TO_END) or 0.0) - (baseline_median(END_TO_END, baseline) or 0.0)
    before = [{step.name: step.seconds for step in one.steps()} for one in baseline]
    changes = {
        step.name: step.seconds - median([one.get(step.name, 0.0) for one in before]) for step in session.steps()
    }
    for metric, title in BESIDE_STEPS.items():
        now, usual = session.median(metric), baseline_median(metric, baseline)
        if now is not None and usual is not None:
            changes[title] = now - usual
    ordered = sorted(changes.items(), key=lambda item: -item[1])
    return [StepChange(step=name, seconds=one, share=one / whole if whole > 0 else 0.0) for name, one in ordered]


def _unknown(code: str, message: str) -> Check:
    return Check(code=code, verdict=Verdict.INCONCLUSIVE, message=message)
