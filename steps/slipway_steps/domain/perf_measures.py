"""What the modes and kinds of performance tests find out beside the metrics of runs, by name with its unit."""

from collections.abc import Mapping
from typing import NamedTuple


class Measure(NamedTuple):
    """A number of a whole session. `more_is_better`: its threshold is the smallest value that passes, else the
    largest.
    """

    title: str
    more_is_better: bool = False


KNEE = "knee runs at a time"
"""What a stress test looks for. Absent where it ended before any concurrency was too much."""

BY_MODE: Mapping[str, Mapping[str, Measure]] = {
    "EXPERIMENT": {"create-experiment s": Measure("creating the experiment")},
    "RANDOM_GETS": {
        "p50 ms": Measure("median latency of the requests that were answered, from when each was due"),
        "p95 ms": Measure("their 95th percentile"),
        "p99 ms": Measure("their 99th percentile"),
        "error rate": Measure("share of the requests that failed"),
        "requests/s": Measure("rate that was reached", more_is_better=True),
    },
    "SCHEDULED_RUNS": {
        "lateness median s": Measure("by how much runs started late, the median"),
        "lateness max s": Measure("the same, the largest"),
        "firings missed": Measure("firings that started nothing"),
        "firings overlapping": Measure("firings at which the run before had not ended"),
    },
    "LARGE_DATASET": {"throughput MiB/s": Measure("MiB of the artifact by seconds of a run", more_is_better=True)},
}
"""Mode -> its measures."""
BY_KIND: Mapping[str, Mapping[str, Measure]] = {
    "stress": {KNEE: Measure("the last concurrency that was not too much", more_is_better=True)},
    "soak": {"memory slope MiB/run": Measure("growth of the memory from run to run")},
}
"""Kind -> its measures."""


def measures_of(mode: str, kind: str) -> Mapping[str, Measure]:
    """The measures of a session of a mode that Slipway brings, and of its kind."""
    return {**BY_MODE.get(mode, {}), **BY_KIND.get(kind, {})}


THROUGHPUT = "runs/min at "
"""What the throughputs of a stress test are called; the concurrency follows."""
