"""What a release can be asked to demonstrate. Each scenario really happens, except `flaky-metrics`, whose accuracy is
drawn at random.
"""

import random
from enum import StrEnum


class Scenario(StrEnum):
    """The scenarios. normal: the release reaches canary. bad-architecture: a ResNet where the app serves a MobileNetV2;
    the integration test rejects it. oversized: more than 200 MiB of weights under a limit of 256 MiB; the resource test
    rejects it. slow: costly inference; the load test rejects it. flaky-metrics: a demo mode, see `drawn_accuracy`.
    bad-handler: an inference handler that forgets to return its answer; the handler test rejects it.
    """

    NORMAL = "normal"
    BAD_ARCHITECTURE = "bad-architecture"
    OVERSIZED = "oversized"
    SLOW = "slow"
    FLAKY_METRICS = "flaky-metrics"
    BAD_HANDLER = "bad-handler"


def drawn_accuracy(seed: int) -> float:
    """The accuracy in the scenario flaky-metrics: 0.85 with probability 0.7, else 0.75. A seed always gives the same.

    Of the seeds 0 to 9, exactly three (0, 2 and 6) give 0.75.
    """
    return 0.85 if random.Random(seed).random() < 0.7 else 0.75  # noqa: S311 - a draw, not a secret
