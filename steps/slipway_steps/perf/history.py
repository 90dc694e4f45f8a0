"""Looks for trends and for sudden changes in the sessions of a scenario, or the runs of a template. These are hints and
never judge anything.

On 20 or more sessions whose noise is independent, a split is found by mistake in 1.4 % of histories, but in 25 % where
the noise of neighbours is correlated (0.5), as it is on shared machines.
"""

from collections.abc import Sequence
from typing import NamedTuple

from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.perf.baseline import fingerprint_changes

P = 0.01
"""The p-value under which something is a hint."""
LEAST_SESSIONS = 10
"""Sessions, or runs, under which nothing is looked for."""
LEAST_SIDE = 4
"""Sessions on each side of a split."""
MOST = 500
"""The newest values that are looked at: their permutations take some 10 MB of memory."""
PERMUTATIONS = 2000
DAY = 86_400.0


class Trend(NamedTuple):
    """A steady change. per_day: of the median, as a share. p: of Kendall's rank correlation with time."""

    per_day: float
    p: float


class Split(NamedTuple):
    """A sudden change before the session of index `at`. ratio: of the medians after and before. p: by permutations."""

    at: int
    ratio: float
    p: float


def trend(times: Sequence[float], values: Sequence[float]) -> Trend:
    """The slope of Theil and Sen, and the significance by Kendall's tau. times: in Unix seconds."""
    import numpy as np
    from scipy.stats import kendalltau, theilslopes

    days = (np.asarray(times) - times[0]) / DAY
    slope = float(theilslopes(values, days).slope)
    return Trend(slope / float(np.median(values)), float(kendalltau(days, values).pvalue))


def split(values: Sequence[float], seed: int = 0) -> Split:
    """The place at which the ranks before and after differ most, with the share of random orders in which some place
    differs as much.
    """
    import numpy as np
    from scipy.stats import rankdata

    ranks = rankdata(values)
    number = len(ranks)
    sizes = np.arange(LEAST_SIDE, number - LEAST_SIDE + 1)
    expected = sizes * (number + 1) / 2
    deviation = np.sqrt(sizes * (number - sizes) * (number + 1) / 12)

    def scores(order: "np.ndarray") -> "np.ndarray":
        sums = np.cumsum(order, axis=-1)[..., sizes - 1]
        return np.abs(sums - expected) / deviation

    own = scores(ranks)
    shuffled = np.random.default_rng(seed).permuted(np.tile(ranks, (PERMUTATIONS, 1)), axis=1)
    # a tie of equal numbers that were summed in another order is a tie
    as_much = int(np.sum(scores(shuffled).max(axis=1) >= own.max() - 1e-9))
    at = int(sizes[int(own.argmax())])
    ratio = float(np.median(values[at:]) / np.median(values[:at]))
    return Split(at, ratio, (as_much + 1) / (PERMUTATIONS + 1))


class Moment(NamedTuple):
    """A value at a time (Unix seconds), and what it is of, for people."""

    at: float
    value: float
    name: str


def hints(metric: str, sessions: Sequence[PerfSession]) -> list[str]:
    """What the sessions since the last change of the machine suggest, in sentences. sessions: in the order of time."""
    own = sessions_of_last_machine(sessions)
    known = [(one, value) for one in own if (value := one.median(metric)) is not None]
    named = [f"{one.name}{f' (revision {one.revision})' if one.revision else ''}" for one, _ in known]
    return hints_in(metric, [Moment(one.started, value, name) for (one, value), name in zip(known, named, strict=True)])


def hints_in(metric: str, moments: Sequence[Moment]) -> list[str]:
    """What values suggest, in sentences; nothing where they are too few. moments: in the order of time."""
    moments = moments[-MOST:]
    values = [one.value for one in moments]
    if len(values) < LEAST_SESSIONS or min(values) <= 0:
        return []  # a share of nothing is no number
    found = []
    sudden = split(values)
    if sudden.p < P:
        found.append(f"{metric} changed by ×{sudden.ratio:.2f} with {moments[sudden.at].name}, p {sudden.p:.4f}")
    steady = trend([one.at for one in moments], values)
    if steady.p < P:
        found.append(f"{metric} drifts by {100 * steady.per_day:+.2g} % a day, p {steady.p:.2g}")
    return found


def sessions_of_last_machine(sessions: Sequence[PerfSession]) -> list[PerfSession]:
    """The last sessions that have the same fingerprint."""
    found: list[PerfSession] = []
    for session in reversed(sessions):
        if found and session.fingerprint.digest != found[-1].fingerprint.digest:
            break
        found.append(session)
    return found[::-1]


def machine_change(before: PerfSession | None, session: PerfSession) -> str:
    """What changed about the machine between two sessions; "" for nothing, or without an earlier one."""
    return fingerprint_changes(before.fingerprint, session.fingerprint) if before else ""
