"""The rule that decides whether a canary gets more of the traffic: it finds faults, and raises few false alarms."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from slipway_steps.domain.traffic import Counts, Window
from slipway_steps.domain.traffic_comparison import Tolerance, compare, stability_index
from slipway_steps.domain.verdict import Check, Verdict, judge

BOUNDS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
WEIGHTS = (5, 10, 25, 50)
TOLERANCE = Tolerance()


def counts(draw: random.Random, requests: int, errors: float, slower: float = 1.0, favourite: float = 0.0) -> Counts:
    """Requests as they come: lognormal latencies around 30 ms, ten labels alike. favourite: the share of requests that
    always get the first label.
    """
    latencies = [draw.lognormvariate(-3.5, 0.4) * slower for _ in range(requests)]
    labels = [0 if draw.random() < favourite else draw.randrange(10) for _ in range(requests)]
    return Counts(
        requests=requests,
        errors=sum(draw.random() < errors for _ in range(requests)),
        latencies={bound: sum(latency <= bound for latency in latencies) for bound in BOUNDS},
        labels={str(label): labels.count(label) for label in range(10)},
    )


def rollout(
    seed: int, requests: int, new: dict[str, Any], old: float = 0.01, outage: Sequence[float] = ()
) -> list[Check]:
    """The checks of the last step that a rollout came to. requests: of the canary in each step. outage: what is added
    to the error rates of both versions, by step.
    """
    draw, windows = random.Random(seed), []
    checks: list[Check] = []
    for step, weight in enumerate(WEIGHTS):
        more = outage[step] if outage else 0.0
        canary = counts(draw, requests, **{**new, "errors": new["errors"] + more})
        others = counts(draw, round(requests * (100 - weight) / weight), old + more)
        windows.append(Window(weight=weight, new=canary, old=others))
        checks = compare(windows, len(WEIGHTS), TOLERANCE)
        if judge(checks) is Verdict.REJECT:
            break
    return checks


def rejecting(checks: Sequence[Check]) -> set[str]:
    return {check.code for check in checks if check.verdict is Verdict.REJECT}


def test_equal_versions_are_rarely_rejected() -> None:
    alarms = sum(bool(rejecting(rollout(seed, 100, {"errors": 0.01}))) for seed in range(20))
    assert alarms <= 2  # 1.7 % are expected


def test_an_outage_of_both_is_no_fault_of_the_canary() -> None:
    found = [rollout(seed, 100, {"errors": 0.01}, outage=(0, 0, 0, 0.02)) for seed in range(10)]
    assert sum("more-errors" in rejecting(checks) for checks in found) <= 2


@pytest.mark.parametrize(
    ("new", "requests", "code"),
    [
        ({"errors": 0.05}, 100, "more-errors"),
        ({"errors": 0.03}, 400, "more-errors"),
        ({"errors": 0.2}, 100, "error-rate"),
        ({"errors": 0.01, "slower": 3.0}, 100, "p95"),
        ({"errors": 0.01, "favourite": 0.5}, 100, "labels"),
    ],
)
def test_a_fault_is_found(new: dict[str, Any], requests: int, code: str) -> None:
    found = [code in rejecting(rollout(seed, requests, new)) for seed in range(10)]
    assert sum(found) >= 9


def window(weight: int = 10, **given: Any) -> Window:
    new = {"requests": 100, "latencies": {0.1: 100}, **given}
    return Window(weight=weight, new=Counts(**new), old=Counts(requests=900, latencies={0.1: 900}))


def test_what_differs_significantly_but_little_passes() -> None:
    many = Window(
        weight=50,
        new=Counts(requests=100_000, errors=300, latencies={0.1: 100_000}),
        old=Counts(requests=100_000, errors=100, latencies={0.1: 100_000}),
    )
    checks = compare([many], 1, TOLERANCE)
    assert judge(checks) is Verdict.PASS
    assert next(check for check in checks if check.code == "more-errors").measured == pytest.approx(0, abs=1e-12)


def test_too_few_requests_are_inconclusive_and_never_a_pass() -> None:
    assert judge(compare([window(requests=99)], 4, TOLERANCE)) is Verdict.INCONCLUSIVE
    assert judge(compare([window(requests=0, latencies={})], 4, TOLERANCE)) is Verdict.INCONCLUSIVE


def test_too_few_requests_do_not_hide_an_error_rate_that_nobody_accepts() -> None:
    assert judge(compare([window(requests=20, errors=10)], 4, TOLERANCE)) is Verdict.REJECT
    assert judge(compare([window(requests=10, errors=1)], 4, TOLERANCE)) is Verdict.INCONCLUSIVE


def test_traffic_that_is_not_shared_as_the_weight_says_is_inconclusive() -> None:
    found = compare([window(weight=50)], 4, TOLERANCE)
    assert judge(found) is Verdict.INCONCLUSIVE
    assert [check.code for check in found if check.verdict is not Verdict.PASS] == ["share"]


def test_all_of_the_traffic_leaves_nothing_to_compare_with() -> None:
    new, old = Counts(requests=500, errors=10, latencies={0.1: 500}), Counts()
    assert {check.code for check in compare([Window(weight=100, new=new, old=old)], 2, TOLERANCE)} == {
        "share",
        "error-rate",
        "p95-max",
    }


def slower(weight: int, pods: int = 1) -> Window:
    """A canary that is twice as slow, with as many requests as its weight gives it."""
    new, old = 10 * weight, 10 * (100 - weight)
    return Window(
        weight=weight,
        new=Counts(requests=new, latencies={0.1: 0, 0.2: new}, started=tuple(map(float, range(pods)))),
        old=Counts(requests=old, latencies={0.1: old, 0.2: old}, started=(1.0,)),
    )


def test_an_app_that_has_more_to_do_is_not_called_slower() -> None:
    assert rejecting(compare([slower(50)], 1, TOLERANCE)) == {"p95"}
    assert rejecting(compare([slower(90)], 1, TOLERANCE)) == set()
    assert rejecting(compare([slower(90, pods=9)], 1, TOLERANCE)) == {"p95"}, "each pod has no more to do"


def test_a_latency_that_nobody_accepts_is_rejected_under_any_load() -> None:
    slow = Counts(requests=900, latencies={1.0: 0, 5.0: 900}, started=(1.0,))
    old = Counts(requests=100, latencies={1.0: 100, 5.0: 100}, started=(1.0,))
    assert rejecting(compare([Window(weight=90, new=slow, old=old)], 1, TOLERANCE)) == {"p95-max"}


def test_the_stability_index_is_zero_for_equal_shares_and_grows() -> None:
    equal = Counts(labels={"a": 100, "b": 100})
    assert stability_index(equal, equal) == pytest.approx(0)
    assert stability_index(Counts(labels={"a": 150, "b": 50}), equal) > 0.2
    assert stability_index(Counts(), Counts()) == 0
