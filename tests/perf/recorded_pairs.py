"""Pairs of runs that were recorded on two shared cores: real noise, on which the rule of comparisons is replayed.

pairs.jsonl: both sides ran the same pipeline of three steps, in random order; side b was really slowed by `extra` ms.
pool.jsonl: single runs of it in the order of time.
"""

import json
import math
from pathlib import Path

DIRECTORY = Path(__file__).parent


def recorded_log_ratios(metric: str, extra: int = 0) -> list[float]:
    """log(b / a) of all pairs that were slowed by so many ms. metric: e2e, wall or cpu."""
    lines = (DIRECTORY / "pairs.jsonl").read_text().splitlines()
    return [
        math.log(pair["b"][metric] / pair["a"][metric]) for pair in map(json.loads, lines) if pair["extra"] == extra
    ]


def recorded_pool() -> list[float]:
    """The end-to-end seconds of all runs that were not slowed, in the order of time."""
    return [run["e2e"] for run in recorded_runs()]


def recorded_runs() -> list[dict[str, float]]:
    """All runs that were not slowed, in the order of time, each with its yardstick in seconds (`yard`)."""
    runs = map(json.loads, (DIRECTORY / "pool.jsonl").read_text().splitlines())
    return [run for run in runs if run["extra"] == 0]
