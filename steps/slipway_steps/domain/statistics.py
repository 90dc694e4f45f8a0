"""Statistics of raw samples."""

import math
from collections.abc import Sequence


def percentile(samples: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the smallest sample that at least `percent` % of all do not exceed.

    No value is invented between two samples, so a p95 is a latency somebody really had. Raises ValueError for no
    samples or a percent outside 0 < percent <= 100.
    """
    if not samples or not 0 < percent <= 100:
        raise ValueError("a percentile needs samples and a percent above 0 and up to 100")
    return sorted(samples)[math.ceil(len(samples) * percent / 100) - 1]
