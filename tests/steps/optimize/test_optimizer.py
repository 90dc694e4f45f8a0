"""Which changes of knobs are tried, and what is told of them."""

from collections.abc import Mapping

import pytest

from slipway_steps.domain.errors import BadInput
from slipway_steps.optimize.optimizer import knobs_of, optimize
from slipway_steps.optimize.trials import Trial

MEMORY = {"8": 110, "16": 120, "32": 130, "128": 240}


class Evaluation:
    """Plays the runs of `evaluate`: memory by its batch, results that an unlucky allocator would change."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, str]] = []

    def __call__(self, variables: Mapping[str, str]) -> Trial:
        self.seen.append(dict(variables))
        noise = 1 + 0.001 * (len(self.seen) % 7)
        peak = MEMORY[variables.get("EVALUATION_BATCH", "16")] * noise
        arenas = variables.get("MALLOC_ARENA_MAX") == "1"
        return Trial(round(peak * 2**20 * (0.5 if arenas else 1)), noise, ["other" if arenas else "same"])


def test_each_other_value_is_tried_and_the_better_is_recommended() -> None:
    run = Evaluation()
    found = optimize("evaluate", run, {"batch": "128"})
    assert [line.split(": ")[0].split("  ")[-1] for line in found.lines] == [
        "batch 128 -> 16",
        "batch 128 -> 8",
        "batch 128 -> 32",
        "threads 0 -> 1",
        "allocator-arenas default -> 1",
    ]
    assert [one.message.split(":")[0] for one in found.recommendations] == [
        "batch 128 -> 16",
        "batch 128 -> 8",
        "batch 128 -> 32",
    ]
    assert found.lines[-1].endswith("not recommended: the results differ")
    assert len(run.seen) == 1 + 6 * 6
    assert {"EVALUATION_BATCH": "128", "EVALUATION_THREADS": "1"} in run.seen
    assert not any("MALLOC_ARENA_MAX" in one and one["EVALUATION_BATCH"] != "128" for one in run.seen)


def test_without_values_the_defaults_stand() -> None:
    run = Evaluation()
    optimize("evaluate", run, {})
    assert run.seen[0] == {"EVALUATION_BATCH": "16", "EVALUATION_THREADS": "0"}


def test_what_cannot_be_tried() -> None:
    with pytest.raises(BadInput, match="step promote cannot be tried"):
        knobs_of("promote")
    with pytest.raises(BadInput, match="no knob size"):
        optimize("evaluate", Evaluation(), {"size": "1"})
    with pytest.raises(BadInput, match="5 runs of each side"):
        optimize("evaluate", Evaluation(), {}, 5)
