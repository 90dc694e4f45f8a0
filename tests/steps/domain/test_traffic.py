"""Weights of a rollout, and what a window of requests showed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.traffic import Counts, Window, parse_weights, total_of

BOUNDS = (0.05, 0.1, 0.5)


@given(st.sets(st.integers(1, 100), min_size=1, max_size=20))
def test_weights_that_rise_are_read_as_they_are(weights: set[int]) -> None:
    assert parse_weights(", ".join(map(str, sorted(weights)))) == tuple(sorted(weights))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not whole numbers"),
        ("5,ten", "not whole numbers"),
        ("5;10", "not whole numbers"),
        ("2.5", "not whole numbers"),
        ("0,10", "from 1 to 100"),
        ("50,101", "from 1 to 100"),
        ("-5,10", "from 1 to 100"),
        ("10,10", "do not rise"),
        ("50,10", "do not rise"),
        (",".join(map(str, range(1, 22))), "21 weights are more than 20"),
    ],
)
def test_other_weights_are_refused(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_weights(text)


def counts(requests: int, errors: int = 0, started: tuple[float, ...] = (1.0,), **labels: int) -> Counts:
    latencies = {bound: int(requests * share) for bound, share in zip(BOUNDS, (0.5, 0.9, 1.0), strict=True)}
    return Counts(requests=requests, errors=errors, latencies=latencies, labels=labels, started=started)


def test_a_window_is_what_came_after_its_beginning() -> None:
    found = counts(100, 7, one=60, two=40).since(counts(40, 2, one=40))
    assert found == counts(60, 5, one=20, two=40)


def test_a_process_that_has_started_anew_has_no_window() -> None:
    assert counts(100, started=(1.0, 9.0)).since(counts(40, started=(1.0, 2.0))) is None


def test_a_percentile_is_that_of_prometheus() -> None:
    assert counts(100).percentile(50) == pytest.approx(0.05)
    assert counts(100).percentile(70) == pytest.approx(0.075)
    assert counts(100).percentile(95) == pytest.approx(0.3)
    beyond = Counts(requests=10, latencies={0.1: 5})
    assert beyond.percentile(95) == pytest.approx(0.1)
    assert Counts().percentile(95) is None


def test_pods_are_counted_together() -> None:
    found = total_of([counts(100, 1, (3.0,), one=100), counts(50, 2, (2.0,), two=50)])
    assert (found.requests, found.errors, found.started) == (150, 3, (2.0, 3.0))
    assert found.labels == {"one": 100, "two": 50}
    assert found.latencies == {0.05: 75, 0.1: 135, 0.5: 150}


def test_the_share_is_that_of_the_requests() -> None:
    assert Window(weight=10, new=counts(10), old=counts(90)).share == pytest.approx(0.1)
    assert Window(weight=10, new=Counts(), old=Counts()).share is None
