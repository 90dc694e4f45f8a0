"""Until when a session may run, written and read again."""

import math

from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_until import MARGIN, end_of, read_end

SCENARIO = PerfScenario(mode="RANDOM_GETS", start_time=1, run_time=2)


@given(st.floats(1e9, 4e9))
def test_what_is_written_is_read_again_and_never_too_early(begin: float) -> None:
    end = begin + 180 + MARGIN
    assert end - 1e-3 <= read_end(end_of(SCENARIO, begin)) <= end + 1


def test_an_attempt_before_of_the_same_workflow_is_over() -> None:
    told = end_of(SCENARIO, 2e9, "perf-test-x7k2p")
    assert read_end(told, "perf-test-x7k2p") == 0
    assert read_end(told, "perf-test-other") == read_end(told) == 2e9 + 180 + MARGIN


def test_what_cannot_be_read_is_never_over() -> None:
    assert read_end(None) == read_end("") == read_end("soon") == math.inf
