"""Exact tests of counts, held against scipy's where scipy has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact

from slipway_steps.domain.exact_tests import Table, difference, less_bad, mcnemar, more_bad


@st.composite
def tables(draw: st.DrawFn) -> Table:
    new, old = draw(st.integers(0, 300)), draw(st.integers(0, 300))
    return Table(draw(st.integers(0, new)), new, draw(st.integers(0, old)), old)


@given(tables())
def test_one_table_is_fisher_s(table: Table) -> None:
    new_bad, new, old_bad, old = table
    counts = [[new_bad, new - new_bad], [old_bad, old - old_bad]]
    assert more_bad([table]) == pytest.approx(fisher_exact(counts, alternative="greater").pvalue, rel=1e-6, abs=1e-12)
    assert less_bad([table]) == pytest.approx(fisher_exact(counts, alternative="less").pvalue, rel=1e-6, abs=1e-12)


@given(st.lists(tables(), min_size=1, max_size=3), st.integers(1, 200), st.integers(1, 200))
def test_a_table_without_bad_ones_changes_nothing(some: list[Table], new: int, old: int) -> None:
    assert more_bad([*some, Table(0, new, 0, old)]) == pytest.approx(more_bad(some), rel=1e-6, abs=1e-12)


def test_a_time_that_was_bad_for_both_is_no_fault_of_the_side_that_had_more_of_it() -> None:
    quiet, outage = Table(1, 100, 19, 1900), Table(30, 100, 30, 100)
    assert more_bad([quiet, outage]) > 0.4
    pooled = Table(31, 200, 49, 2000)
    assert more_bad([pooled]) < 1e-6, "one table of all would blame the new side"
    assert abs(difference([quiet, outage])) < 0.01


def test_several_tables_see_what_no_single_one_does() -> None:
    step = Table(4, 100, 19, 1900)
    assert more_bad([step]) > 0.01
    assert more_bad([step] * 4) < 0.001


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_is_a_binomial_test_of_what_differs(worse: int, better: int) -> None:
    wanted = binomtest(worse, worse + better, alternative="greater").pvalue if worse + better else 1.0
    assert mcnemar(worse, better) == pytest.approx(wanted, rel=1e-6, abs=1e-12)


def test_many_requests_take_no_minutes_and_a_chance_too_small_to_tell_is_zero() -> None:
    assert more_bad([Table(5_000, 50_000, 500, 50_000)] * 4) == 0.0


def test_sides_without_requests_differ_in_nothing() -> None:
    assert difference([Table(0, 0, 3, 10)]) == 0.0
    assert more_bad([Table(0, 0, 3, 10)]) == 1.0


@pytest.mark.parametrize("counts", [(2, 1, 0, 5), (-1, 1, 0, 5), (0, 1, 6, 5)])
def test_what_are_no_counts_is_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="are no counts"):
        Table(*counts)
