"""Exact tests of counts. Python alone, so that a step that only compares starts without numpy and scipy."""

import math
from collections.abc import Sequence


def _log_choose(number: int, chosen: int) -> float:
    return math.lgamma(number + 1) - math.lgamma(chosen + 1) - math.lgamma(number - chosen + 1)


NEGLIGIBLE = 1e-30
"""Chances below this are left out: they change no decision, and with them many requests would take minutes."""


def _hypergeometric(drawn: int, bad: int, total: int) -> tuple[int, list[float]]:
    """The chances that `drawn` of `total`, of which `bad` are bad, hold so many bad ones: the smallest number whose
    chance counts, and the chance of it and of each further one.
    """
    every = _log_choose(total, drawn)
    numbers = range(max(0, drawn - (total - bad)), min(bad, drawn) + 1)
    logs = {k: _log_choose(bad, k) + _log_choose(total - bad, drawn - k) - every for k in numbers}
    kept = [k for k, log in logs.items() if log > math.log(NEGLIGIBLE)]
    return kept[0], [math.exp(logs[k]) for k in kept]


class Table(tuple[int, int, int, int]):
    """A fourfold table: bad ones and all of the new side, bad ones and all of the old side."""

    __slots__ = ()

    def __new__(cls, new_bad: int, new: int, old_bad: int, old: int) -> "Table":
        """Raises ValueError unless there are at most as many bad ones as there are in all."""
        if not (0 <= new_bad <= new and 0 <= old_bad <= old):
            raise ValueError(f"{new_bad} of {new} and {old_bad} of {old} are no counts")
        return super().__new__(cls, (new_bad, new, old_bad, old))


def more_bad(tables: Sequence[Table]) -> float:
    """The chance of so many or more bad ones on the new side if both sides were alike: Fisher's exact test, one-sided,
    over strata (Zelen 1971; with one table it is Fisher's own).

    Each table is compared within itself, so a time in which both sides are worse makes no difference, however the
    requests were shared out then.
    """
    least, chances, seen = 0, [1.0], 0
    for new_bad, new, old_bad, old in tables:
        first, more = _hypergeometric(new, new_bad + old_bad, new + old)
        least, seen = least + first, seen + new_bad
        together = [0.0] * (len(chances) + len(more) - 1)
        for position, chance in enumerate(chances):
            for shift, other in enumerate(more):
                together[position + shift] += chance * other
        chances = together
    return min(1.0, math.fsum(chances[max(seen - least, 0) :]))


def less_bad(tables: Sequence[Table]) -> float:
    """The chance of so few or fewer bad ones on the new side if both sides were alike."""
    return more_bad([Table(new - new_bad, new, old - old_bad, old) for new_bad, new, old_bad, old in tables])


def difference(tables: Sequence[Table]) -> float:
    """By how much the share of bad ones is larger on the new side, within tables: the weighted difference of Mantel and
    Haenszel. 0.0 where no table has both sides.
    """
    weighted = weights = 0.0
    for new_bad, new, old_bad, old in tables:
        if new and old:
            weight = new * old / (new + old)
            weighted += weight * (new_bad / new - old_bad / old)
            weights += weight
    return weighted / weights if weights else 0.0


def mcnemar(worse: int, better: int) -> float:
    """The chance that so many or more of the `worse + better` pairs whose answers differ in quality went to the worse
    if both models were alike: McNemar's exact test, one-sided.
    """
    pairs = worse + better
    return min(1.0, math.fsum(math.exp(_log_choose(pairs, k) - pairs * math.log(2)) for k in range(worse, pairs + 1)))
