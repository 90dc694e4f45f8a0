"""Which changes of knobs are tried, and what is told of them."""

from collections.abc import Mapping

import pytest

from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.optimize.optimizer import knobs_of, optimize
from slipway_steps.optimize.trials import Trial
from slipway_steps.release.evaluate import KNOBS

MEMORY = {"8": 110, "16": 120, "32": 130, "128": 240}


class Evaluation:
    """Plays the runs of `evaluate`: memory by its batch, results that an allocator changes, a death at one limit."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, str]] = []

    def __call__(self, variables: Mapping[str, str]) -> Trial:
        self.seen.append(dict(variables))
        noise = 1 + 0.001 * (len(self.seen) % 7)
        peak = MEMORY[variables.get("EVALUATION_BATCH", "16")] * noise
        arenas = variables.get("MALLOC_ARENA_MAX") == "1"
        killed = variables["TRIAL_MEMORY_LIMIT"] == "1Gi"
        results = ["other" if arenas else "same"]
        return Trial(round(peak * 2**20 * (0.5 if arenas else 1)), noise, None if killed else results, killed)


def test_each_other_value_is_tried_and_the_better_is_recommended() -> None:
    run = Evaluation()
    found = optimize("evaluate", KNOBS, run, {"batch": "128"})
    assert [line.split(": ")[0].split("  ")[-1] for line in found.lines] == [
        "batch 128 -> 16",
        "batch 128 -> 8",
        "batch 128 -> 32",
        "threads 0 -> 1",
        "allocator-arenas default -> 1",
        "cpu-limit default -> 1",
        "cpu-limit default -> 2",
        "memory-limit 2Gi -> 1Gi",
        "memory-limit 2Gi -> 512Mi",
    ]
    assert [one.message.split(":")[0] for one in found.recommendations] == [
        "batch 128 -> 16",
        "batch 128 -> 8",
        "batch 128 -> 32",
        "memory-limit 2Gi -> 512Mi",
    ]
    assert found.lines[4].endswith("not recommended: the results differ")
    assert "not recommended: it is killed at this limit, after a peak of 24" in found.lines[7]
    assert len(run.seen) == 1 + 6 * 8 + 2, "what has other results, or none, is not run again"
    stands = {"EVALUATION_BATCH": "128", "EVALUATION_THREADS": "0", "TRIAL_MEMORY_LIMIT": "2Gi"}
    assert {**stands, "EVALUATION_THREADS": "1"} in run.seen
    assert not any("MALLOC_ARENA_MAX" in one and one["EVALUATION_BATCH"] != "128" for one in run.seen)


def test_without_values_the_defaults_stand() -> None:
    run = Evaluation()
    optimize("evaluate", KNOBS, run, {})
    assert run.seen[0] == {"EVALUATION_BATCH": "16", "EVALUATION_THREADS": "0", "TRIAL_MEMORY_LIMIT": "2Gi"}


def test_the_chosen_knobs_alone_are_tried() -> None:
    found = optimize("evaluate", KNOBS, Evaluation(), {}, chosen=["threads"])
    assert [line.partition(":")[0] for line in found.lines] == ["threads 0 -> 1"]
    with pytest.raises(BadInput, match="no knob size"):
        optimize("evaluate", KNOBS, Evaluation(), {}, chosen=["size"])


def test_a_step_that_is_killed_as_it_stands_cannot_be_tried() -> None:
    with pytest.raises(Broken, match=r"killed at its memory limit, after a peak of 12. MiB"):
        optimize("evaluate", KNOBS, Evaluation(), {"memory-limit": "1Gi"})


@pytest.mark.parametrize("step", ["evaluate", "handler", "train"])
def test_steps_that_can_be_tried_have_limits_among_their_knobs(step: str) -> None:
    assert {"cpu-limit", "memory-limit"} <= {knob.name for knob in knobs_of(step)}


def test_what_cannot_be_tried() -> None:
    with pytest.raises(BadInput, match=r"step promote cannot be tried.*known: evaluate, handler, train, and files"):
        knobs_of("promote")
    with pytest.raises(BadInput, match=r"no knob size.*known: batch, threads, allocator-arenas, cpu-limit"):
        optimize("evaluate", KNOBS, Evaluation(), {"size": "1"})
    with pytest.raises(BadInput, match="5 runs of each side"):
        optimize("evaluate", KNOBS, Evaluation(), {}, 5)
