"""Compares two versions of a model as they are served: both apps run side by side, and requests go to one at a time.

A sample is a run of many requests, and its number the 95th percentile of their latency; requests of one run depend on
each other and are never samples.
"""

import math
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.answer import RequestResult
from slipway_steps.domain.comparison import LOOKS, MetricComparison, SequentialTest, Side
from slipway_steps.domain.plural import so_many
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Check, Verdict, judge
from slipway_steps.perf.statistics import ratio_interval
from slipway_steps.ports import LoadGenerator

P95, LIMIT = "p95", 1.10
"""The metric, and the largest ratio of it that is no regression."""
REQUESTS, USERS, SECONDS = 200, 4, 120.0
"""Requests of one run, how many are sent at a time, and the seconds that they may take."""
MOST_ERRORS = 0.05
"""Share of a side's requests that may fail."""


class ServingPair(BaseModel):
    """One run of requests to each side: the 95th percentile of its latency in ms, and how many of them failed."""

    model_config = ConfigDict(frozen=True)

    first: Side
    p95: dict[Side, float]
    failed: dict[Side, int]


class ServingComparison(BaseModel):
    """Two versions of a model, compared as they are served."""

    model_config = ConfigDict(frozen=True)

    base: str
    head: str
    pairs: list[ServingPair]
    metric: MetricComparison
    checks: list[Check]
    verdict: Verdict


class _Failing(Exception):
    """A side fails too often to be timed."""

    def __init__(self, side: Side, failed: int) -> None:
        super().__init__(f"{failed} of {REQUESTS} requests to {side} failed in one run")
        self.side = side


def compare_serving(
    versions: Mapping[Side, str],
    urls: Mapping[Side, str],
    image: Path,
    load: LoadGenerator,
    *,
    seed: int = 0,
    minutes: float = 30,
    on_pair: Callable[[ServingPair], None] = lambda pair: None,
) -> ServingComparison:
    """Send runs of requests to both sides in random order, until there is a verdict on the 95th percentile.

    urls: the base URLs of apps that are ready. minutes: the deadline. A head that fails more than 5 % of a run's
    requests is rejected, a base that does proves nothing. Raises Broken where the load generator itself failed.
    """
    order, deadline = random.Random(seed), time.monotonic() + minutes * 60  # noqa: S311 - an order is no secret
    test = SequentialTest({P95: LIMIT}, ratio_interval)
    pairs: list[ServingPair] = []
    checks: list[Check] = []
    sent = image.read_bytes()
    try:
        for side in Side:  # warm-up
            _run(side, urls[side], sent, load)
        while not test.ended and len(pairs) < LOOKS[-1] and time.monotonic() < deadline:
            first = order.choice([Side.BASE, Side.HEAD])
            sides = [first, Side.HEAD if first is Side.BASE else Side.BASE]
            runs = {side: _run(side, urls[side], sent, load) for side in sides}
            p95 = {side: _p95(runs[side]) for side in Side}
            failed = {side: _failures(runs[side]) for side in Side}
            pairs.append(ServingPair(first=first, p95=p95, failed=failed))
            on_pair(pairs[-1])
            if len(pairs) in LOOKS:
                test.look({P95: _log_ratios(pairs)})
    except _Failing as failing:
        verdict = Verdict.REJECT if failing.side is Side.HEAD else Verdict.INCONCLUSIVE
        checks = [Check(code="error-rate", verdict=verdict, message=str(failing))]
    except KeyboardInterrupt:
        message = f"it was interrupted after {so_many(len(pairs), 'pair')}"
        checks = [Check(code="interrupted", verdict=Verdict.INCONCLUSIVE, message=message)]
    metric = test.metrics[P95]
    if metric.verdict is Verdict.INCONCLUSIVE and pairs:
        shown = ratio_interval(_log_ratios(pairs), 0.05 / len(LOOKS))
        metric = metric.model_copy(update={"ratio": shown, "pairs": len(pairs)})
    message = f"{P95} {metric.ratio or 'no ratio'}, limit ×{LIMIT:.2f}, {so_many(metric.pairs, 'pair')}"
    checks.append(Check(code=P95, verdict=metric.verdict, message=message, threshold=LIMIT))
    base, head = versions[Side.BASE], versions[Side.HEAD]
    verdict = Verdict.INCONCLUSIVE if _base_fails(checks) else judge(checks)
    return ServingComparison(base=base, head=head, pairs=pairs, metric=metric, checks=checks, verdict=verdict)


def _base_fails(checks: list[Check]) -> bool:
    return any(check.code == "error-rate" and check.verdict is Verdict.INCONCLUSIVE for check in checks)


def _run(side: Side, url: str, image: bytes, load: LoadGenerator) -> list[RequestResult]:
    """One run of requests. Raises _Failing where too many of them failed."""
    results = load.send(url, image, REQUESTS, USERS, SECONDS)
    failed = _failures(results) + REQUESTS - len(results)
    if failed > MOST_ERRORS * REQUESTS:
        raise _Failing(side, failed)
    return results


def _p95(results: list[RequestResult]) -> float:
    """Of the requests that succeeded: one that fails at once would make a side look fast."""
    return percentile([one.milliseconds for one in results if one.status == 200], 95)


def _failures(results: list[RequestResult]) -> int:
    return sum(result.status != 200 for result in results)


def _log_ratios(pairs: list[ServingPair]) -> list[float]:
    return [math.log(pair.p95[Side.HEAD] / pair.p95[Side.BASE]) for pair in pairs]
