"""Pairs of runs of the evaluation with the same knobs, recorded on two shared cores: real noise of equal sides."""

import json
import random
from pathlib import Path

from slipway_steps.domain.knob import Knob
from slipway_steps.optimize.judgement import LEAST_ROUNDS, judge
from slipway_steps.optimize.trials import Trial

RECORDED = Path(__file__).parent / "equal_sides.jsonl"


def recorded() -> list[list[Trial]]:
    """The pairs, in the order of time."""
    lines = map(json.loads, RECORDED.read_text().splitlines())
    return [[Trial(one["peak"], one["seconds"], None) for one in pair.values()] for pair in lines]


def recommended(knob: Knob, tries: int, seed: int = 0) -> int:
    """How many tries of the same value twice recommend a change; the pairs of each are drawn with replacement."""
    chance, pairs, found = random.Random(seed), recorded(), 0
    for _ in range(tries):
        drawn = [chance.sample(chance.choice(pairs), 2) for _ in range(LEAST_ROUNDS)]
        before, after = ([pair[at] for pair in drawn] for at in (0, 1))
        found += judge("evaluate", knob, "same", "same", before, after)[0] is not None
    return found
