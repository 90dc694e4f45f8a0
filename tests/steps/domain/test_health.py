"""The worst component counts, and nothing asked is not healthy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.health import COMPONENTS, ORDER, ComponentHealth, HealthReport, HealthState, worst

STATES = st.lists(st.sampled_from(HealthState), min_size=1, max_size=8)


def report(states: list[HealthState]) -> HealthReport:
    found = [
        ComponentHealth(component=name, state=state, message="", seconds=0)
        for name, state in zip(COMPONENTS, states, strict=False)
    ]
    return HealthReport(checked=0, components=found)


@given(STATES)
def test_the_worst_state_counts(states: list[HealthState]) -> None:
    found = report(states).overall
    assert found in states
    assert all(ORDER.index(found) <= ORDER.index(state) for state in states)


@given(STATES)
def test_one_more_component_never_makes_it_better(states: list[HealthState]) -> None:
    for more in HealthState:
        assert ORDER.index(worst([*states, more])) <= ORDER.index(worst(states))


def test_the_summary_counts_those_in_the_worst_state() -> None:
    states = [HealthState.HEALTHY] * 6 + [HealthState.DEGRADED] * 2
    assert report(states).summary == "degraded (2 of 8)"
    assert report([HealthState.HEALTHY] * 8).summary == "healthy (8 of 8)"


def test_nothing_asked_is_not_healthy() -> None:
    with pytest.raises(ValueError, match="components"):
        _ = HealthReport(checked=0, components=[]).overall
