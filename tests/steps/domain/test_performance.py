"""What follows from the use of a step."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.performance import (
    SEVERITIES,
    Category,
    PerformanceMetrics,
    Severity,
    memory_pressure,
    proposed_memory,
    recommendations,
    waiting,
)

BYTES = st.integers(1, 2**40)


def metrics(**more: Any) -> PerformanceMetrics:
    return PerformanceMetrics(subject="train", **{"seconds": 10.0, "cpu": 5.0, "peak": 500, **more})


def found(**more: Any) -> list[tuple[Category, Severity]]:
    return [(one.category, one.severity) for one in recommendations(metrics(**more))]


def rank(severity: Severity | None) -> int:
    return -1 if severity is None else SEVERITIES.index(severity)


@pytest.mark.parametrize(
    ("peak", "severity"),
    [
        (699, None),
        (700, "medium"),
        (849, "medium"),
        (850, "high"),
        (949, "high"),
        (950, "critical"),
        (2000, "critical"),
    ],
)
def test_memory_near_its_limit(peak: int, severity: str | None) -> None:
    assert found(peak=peak, memory_limit=1000) == ([(Category.MEMORY, severity)] if severity else [])


@given(limit=BYTES, one=BYTES, other=BYTES)
def test_more_memory_never_gives_a_lower_severity(limit: int, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert rank(memory_pressure(less, limit)) <= rank(memory_pressure(more, limit))


@given(one=st.floats(0, 1), other=st.floats(0, 1))
def test_more_waiting_never_gives_a_lower_severity(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert rank(waiting(less)) <= rank(waiting(more))


@given(peak=BYTES)
def test_what_is_proposed_is_no_pressure_and_no_waste(peak: int) -> None:
    limit = proposed_memory(peak)
    assert memory_pressure(peak, limit) is None
    assert limit <= 1.45 * peak + 16 * 2**20


def test_a_kill_for_memory_is_critical_whatever_was_seen() -> None:
    assert found(peak=10, memory_limit=1000, oom_killed=True) == [(Category.MEMORY, Severity.CRITICAL)]


@pytest.mark.parametrize(("peak", "ended", "low"), [(249, True, True), (250, True, False), (249, False, False)])
def test_a_request_that_is_not_needed(peak: int, ended: bool, low: bool) -> None:
    assert found(peak=peak, memory_request=1000, ended=ended) == ([(Category.MEMORY, Severity.LOW)] if low else [])


def test_waits_above_a_tenth_of_the_time() -> None:
    assert found(throttled=0.10, io_wait=0.10, queued=0.10) == []
    assert found(throttled=0.11, io_wait=0.30, queued=0.60) == [
        (Category.CONCURRENCY, Severity.CRITICAL),
        (Category.IO, Severity.HIGH),
        (Category.CPU, Severity.MEDIUM),
    ]


def test_what_is_not_known_is_no_reason_and_nothing_is_promised() -> None:
    assert found() == []
    (one,) = recommendations(metrics(peak=990, memory_limit=1000))
    assert one.estimated_improvement is None
    assert str(one) == "memory       critical  train: peak 0 MiB is 99 % of its limit 0 MiB; 16Mi would do"


def test_cores_are_the_mean() -> None:
    assert metrics(seconds=4, cpu=6).cores == 1.5
    assert metrics(seconds=0, cpu=6).cores == 0
