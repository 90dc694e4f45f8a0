"""Statistics of measured samples."""

import math
from collections.abc import Sequence


def percentile(samples: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the smallest sample that is at least as large as `percent` % of all samples.

    No value between two samples is computed, so a p95 is a latency that really occurred. Raises ValueError without
    samples, and for a percent outside 0 < percent <= 100.
    """
    if not samples or not 0 < percent <= 100:
        raise ValueError("a percentile needs samples and a percent above 0 and up to 100")
    return sorted(samples)[math.ceil(len(samples) * percent / 100) - 1]
