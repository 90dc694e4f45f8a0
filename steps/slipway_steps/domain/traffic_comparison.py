"""Whether the canary may get more of the traffic: what its requests showed beside those of the version before.

A version is rejected for a difference that is both significant and large enough to matter, or for an error rate that
nobody would accept beside any version. Each test counts all steps so far, each step within itself, so nothing that both
versions met at the same time is blamed on the new one.
"""

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from slipway_steps.domain.exact_tests import Table, difference, less_bad, more_bad
from slipway_steps.domain.traffic import Counts, Window, total_of
from slipway_steps.domain.verdict import Check, Verdict

COMPARABLE_LOAD = 1.25
"""The canary's latency is compared where its pods answer at most so many times the requests that the others' do: an app
that has more to do is slower, whatever it serves. A quarter more is the noise of an equal share of 100 requests."""
SHARE_DEVIATIONS = 3.0
"""The share of traffic that was seen may differ from the weight by so many binomial standard deviations."""


class Tolerance(BaseModel):
    """What a rollout accepts.

    alpha: chance of a false alarm of a whole rollout by the test of errors; it is divided by the number of steps
    (Bonferroni). alpha_other: the same for latency, and for the labels; far smaller, so that all tests together stay
    about at `alpha`. error_points: percentage points by which the share of errors may be larger, whatever a test says.
    error_max_percent: share of errors that is rejected beside any version. p95_max_ms: the same for the latency, in
    milliseconds; it is that of the load test. latency_factor: the canary's p95 may be so
    many times that of the version before. psi_max: the population stability index of the predicted labels; 0.2 is the
    usual bound of a change that matters (Siddiqi: Credit Risk Scorecards, 2006).
    """

    model_config = ConfigDict(frozen=True)

    alpha: float = Field(0.05, gt=0, lt=1)
    alpha_other: float = Field(0.005, gt=0, lt=1)
    error_points: float = Field(1.0, ge=0, le=100)
    error_max_percent: float = Field(5.0, gt=0, le=100)
    p95_max_ms: float = Field(2000.0, gt=0)
    latency_factor: float = Field(1.25, ge=1)
    psi_max: float = Field(0.2, gt=0)
    requests_min: int = Field(100, ge=1)


def compare(windows: Sequence[Window], steps: int, tolerance: Tolerance) -> list[Check]:
    """The checks of the newest of `windows`, with all before it. `steps`: how many the whole rollout has.

    Too few requests make a check inconclusive; an error rate above the absolute limit is rejected even then, if it is
    significantly above it.
    """
    newest = windows[-1]
    fewest = min(newest.new.requests, newest.old.requests) if newest.weight < 100 else newest.new.requests
    if fewest < tolerance.requests_min:
        return [*_absolute(windows, tolerance, steps), _too_few(newest, tolerance)]
    checks = [_share(newest), *_absolute(windows, tolerance, steps), _slowest(newest, tolerance)]
    if newest.weight < 100:
        checks += [_errors(windows, steps, tolerance), _labels(windows, steps, tolerance)]
        if _is_comparable(newest):
            checks.append(_latency([one for one in windows if _is_comparable(one)], steps, tolerance))
    return checks


def _too_few(window: Window, tolerance: Tolerance) -> Check:
    return Check(
        code="requests",
        verdict=Verdict.INCONCLUSIVE,
        message=f"{window.new.requests} requests to the canary and {window.old.requests} to the version before, "
        f"{tolerance.requests_min} are wanted",
        measured=min(window.new.requests, window.old.requests),
        threshold=tolerance.requests_min,
    )


def _share(window: Window) -> Check:
    share = window.share or 0.0
    wanted, total = window.weight / 100, window.new.requests + window.old.requests
    allowed = SHARE_DEVIATIONS * math.sqrt(wanted * (1 - wanted) / total) + 0.5 / total
    near = abs(share - wanted) <= allowed
    return Check(
        code="share",
        verdict=Verdict.PASS if near else Verdict.INCONCLUSIVE,
        message=f"the canary got {100 * share:.1f} % of {total} requests, its weight is {window.weight} %",
        measured=round(100 * share, 2),
        threshold=window.weight,
        unit="%",
    )


def _rate(counts: Counts) -> float:
    return counts.errors / counts.requests if counts.requests else 0.0


def _absolute(windows: Sequence[Window], tolerance: Tolerance, steps: int) -> list[Check]:
    new = total_of([window.new for window in windows])
    if not new.requests:
        return []
    limit = tolerance.error_max_percent / 100
    chance = _binomial_tail(new.errors, new.requests, limit)
    bad = _rate(new) > limit and (new.requests >= tolerance.requests_min or chance < tolerance.alpha / steps)
    return [
        Check(
            code="error-rate",
            verdict=Verdict.REJECT if bad else Verdict.PASS,
            message=f"{100 * _rate(new):.1f} % of the canary's {new.requests} requests were answered with 5xx",
            measured=round(100 * _rate(new), 2),
            threshold=tolerance.error_max_percent,
            unit="%",
        )
    ]


def _binomial_tail(found: int, number: int, share: float) -> float:
    """The chance of `found` or more of `number` where each has the chance `share`."""
    if share >= 1:
        return 1.0
    return min(
        1.0,
        math.fsum(
            math.exp(
                math.lgamma(number + 1)
                - math.lgamma(k + 1)
                - math.lgamma(number - k + 1)
                + k * math.log(share)
                + (number - k) * math.log1p(-share)
            )
            for k in range(found, number + 1)
        ),
    )


def _errors(windows: Sequence[Window], steps: int, tolerance: Tolerance) -> Check:
    tables = [Table(one.new.errors, one.new.requests, one.old.errors, one.old.requests) for one in windows]
    chance, points, limit = more_bad(tables), 100 * difference(tables), tolerance.alpha / steps
    bad = chance < limit and points > tolerance.error_points
    newest = windows[-1]
    return Check(
        code="more-errors",
        verdict=Verdict.REJECT if bad else Verdict.PASS,
        message=f"5xx {100 * _rate(newest.new):.1f} % of the canary's requests, {100 * _rate(newest.old):.1f} % of the "
        f"others; {points:+.1f} points in all steps (p {chance:.2g}, a fault below {limit:.2g})",
        measured=float(f"{chance:.3g}"),
        threshold=float(f"{limit:.3g}"),
    )


def _slow(window: Window, bound: float) -> Table:
    new, old = window.new, window.old
    return Table(
        max(new.requests - new.latencies.get(bound, 0), 0),
        new.requests,
        max(old.requests - old.latencies.get(bound, 0), 0),
        old.requests,
    )


def _is_comparable(window: Window) -> bool:
    """Whether the canary's pods had about as much to do as the others, or less."""
    new, old = (side.requests / max(len(side.started), 1) for side in (window.new, window.old))
    return new <= COMPARABLE_LOAD * old


def _slowest(window: Window, tolerance: Tolerance) -> Check:
    p95 = window.new.percentile(95)
    if p95 is None:
        return Check(code="p95-max", verdict=Verdict.INCONCLUSIVE, message="no latency was counted")
    return Check(
        code="p95-max",
        verdict=Verdict.PASS if 1000 * p95 < tolerance.p95_max_ms else Verdict.REJECT,
        message=f"p95 {1000 * p95:.0f} ms of the canary, less than {tolerance.p95_max_ms:g} ms is wanted",
        measured=round(1000 * p95, 1),
        threshold=tolerance.p95_max_ms,
        unit="ms",
    )


def _latency(windows: Sequence[Window], steps: int, tolerance: Tolerance) -> Check:
    newest = windows[-1]
    new, old = newest.new.percentile(95), newest.old.percentile(95)
    bounds = sorted(newest.old.latencies)
    if new is None or old is None or not bounds:
        return Check(code="p95", verdict=Verdict.INCONCLUSIVE, message="no latency was counted")
    bound = next((one for one in bounds if one >= old), bounds[-1])
    chance, limit = more_bad([_slow(window, bound) for window in windows]), tolerance.alpha_other / steps
    bad = chance < limit and new > tolerance.latency_factor * old
    return Check(
        code="p95",
        verdict=Verdict.REJECT if bad else Verdict.PASS,
        message=f"p95 {1000 * new:.0f} ms of the canary, {1000 * old:.0f} ms of the version before, "
        f"{tolerance.latency_factor:g} times that is allowed (p {chance:.2g}, a fault below {limit:.2g})",
        measured=round(1000 * new, 1),
        threshold=round(1000 * old * tolerance.latency_factor, 1),
        unit="ms",
    )


def stability_index(new: Counts, old: Counts) -> float:
    """The population stability index of the predicted labels: the sum of (n - o) * ln(n / o) over all labels, of the
    shares n and o. Each count gets one half more, so that a label that was never predicted has a share too.
    """
    labels = sorted({*new.labels, *old.labels})
    if not labels:
        return 0.0
    totals = [sum(side.labels.values()) + len(labels) / 2 for side in (new, old)]
    shares = [
        [(side.labels.get(label, 0) + 0.5) / all_ for label in labels]
        for side, all_ in zip((new, old), totals, strict=True)
    ]
    return math.fsum((n - o) * math.log(n / o) for n, o in zip(*shares, strict=True))


def _labels(windows: Sequence[Window], steps: int, tolerance: Tolerance) -> Check:
    new, old = total_of([one.new for one in windows]), total_of([one.old for one in windows])
    labels = sorted({*new.labels, *old.labels})
    index = stability_index(new, old)
    chance = 1.0
    for label in labels:
        tables = [_labelled(window, label) for window in windows]
        chance = min(chance, 2 * len(labels) * min(more_bad(tables), less_bad(tables)))
    limit = tolerance.alpha_other / steps
    bad = chance < limit and index > tolerance.psi_max
    return Check(
        code="labels",
        verdict=Verdict.REJECT if bad else Verdict.PASS,
        message=f"predicted labels differ by a stability index of {index:.2f}, {tolerance.psi_max:g} is allowed "
        f"(p {chance:.2g}, a fault below {limit:.2g})",
        measured=round(index, 3),
        threshold=tolerance.psi_max,
    )


def _labelled(window: Window, label: str) -> Table:
    new, old = window.new.labels, window.old.labels
    return Table(new.get(label, 0), sum(new.values()), old.get(label, 0), sum(old.values()))
