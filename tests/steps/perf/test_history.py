"""Hints of trends and sudden changes: on recorded noise, and on changes that are really there."""

import random

import pytest
from perf.recorded_pairs import recorded_pool
from steps.perf.sessions import FINGERPRINT, session

from slipway_steps.perf.history import P, hints, machine_change, sessions_of_last_machine, split, trend

DAY = 86_400.0


def test_independent_noise_is_seldom_taken_for_a_change() -> None:
    """Recorded times in random order, so that neighbours have nothing to do with each other."""
    pool, chance = recorded_pool(), random.Random(1)
    found = sum(split(chance.sample(pool, 30), seed).p < P for seed in range(300))
    assert found / 300 <= 0.03


def test_noise_in_the_order_of_time_is_often_taken_for_one() -> None:
    """That is why a split is a hint and no verdict: the machine itself was slower for a while."""
    pool, chance = recorded_pool(), random.Random(2)
    starts = [chance.randrange(len(pool) - 30) for _ in range(100)]
    assert sum(split(pool[start : start + 30], start).p < P for start in starts) / 100 > 0.05


@pytest.mark.parametrize("at", [6, 15, 24])
def test_a_sudden_change_is_found_where_it_is(at: int) -> None:
    chance = random.Random(at)
    values = [6 * chance.lognormvariate(0, 0.03) * (1.25 if number >= at else 1) for number in range(30)]
    found = split(values)
    assert found.p < P
    assert abs(found.at - at) <= 1
    assert found.ratio == pytest.approx(1.25, abs=0.04)


def test_equal_values_are_no_change() -> None:
    assert split([6.0] * 20).p == 1


def test_a_steady_growth_is_a_trend_and_none_is_none() -> None:
    chance = random.Random(3)
    times = [number * DAY for number in range(30)]
    growing = [6 * (1 + 0.01 * number) * chance.lognormvariate(0, 0.02) for number in range(30)]
    found = trend(times, growing)
    assert found.p < P
    assert found.per_day == pytest.approx(0.01 / 1.145, rel=0.15)
    level = trend(times, [6 * chance.lognormvariate(0, 0.02) for _ in range(30)])
    assert level.p > P
    assert abs(level.per_day) < 0.002


def test_a_hint_names_the_session_and_heeds_only_the_last_machine() -> None:
    chance = random.Random(4)
    other = FINGERPRINT.model_copy(update={"kernel": "6.9"})
    old = [session(number, 20.0, fingerprint=other) for number in range(12)]
    new = [
        session(100 + number, (6.0 if number < 12 else 9.0) * chance.lognormvariate(0, 0.01), revision=f"v{number}")
        for number in range(24)
    ]
    sudden = hints("end-to-end", [*old, *new])[0]
    assert sudden.startswith("end-to-end changed by ×1.50 with perf-112 (revision v12), p 0.000")
    assert sessions_of_last_machine([*old, *new]) == new
    assert machine_change(old[-1], new[0]) == "kernel 6.9 -> 6.1"
    assert machine_change(new[0], new[1]) == machine_change(None, new[0]) == ""


def test_few_sessions_and_unmeasured_metrics_give_no_hint() -> None:
    sessions = [session(number, 6.0 + (number > 4) * 5) for number in range(9)]
    assert hints("end-to-end", sessions) == []
    assert hints("memory", [session(number, 6.0) for number in range(30)]) == []


def test_a_metric_of_zeros_gives_no_hint() -> None:
    """Such as the queue on a machine where nothing waits."""
    assert hints("end-to-end", [session(number, 0.0) for number in range(1, 13)]) == []
