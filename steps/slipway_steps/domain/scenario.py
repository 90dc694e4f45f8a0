"""What a release can be asked to demonstrate. Each really happens, `flaky-metrics` apart, whose accuracy is drawn."""

import random
from enum import StrEnum


class Scenario(StrEnum):
    """normal: reaches canary. bad-architecture: a ResNet where the app serves a MobileNetV2, rejected by integration.
    oversized: over 200 MiB of weights against the 256 MiB limit, rejected by resources. slow: costly inference,
    rejected by load. flaky-metrics: a demo mode, see `drawn_accuracy`.
    """

    NORMAL = "normal"
    BAD_ARCHITECTURE = "bad-architecture"
    OVERSIZED = "oversized"
    SLOW = "slow"
    FLAKY_METRICS = "flaky-metrics"


def drawn_accuracy(seed: int) -> float:
    """The accuracy of the demo mode: 0.85 with probability 0.7, else 0.75 (requirement R1.1); the same for a seed.

    Of seeds 0 to 9 exactly three (0, 2, 6) are 0.75.
    """
    return 0.85 if random.Random(seed).random() < 0.7 else 0.75  # noqa: S311 - a draw, not a secret
