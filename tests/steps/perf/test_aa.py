"""Calibrations on targets whose runs are told beforehand, and one on the real engine."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import yaml
from steps.perf.fake_target import FakeTarget, failed, sample

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import RunSample
from slipway_steps.perf.aa import AaMeasurement, LiveAlarms
from slipway_steps.perf.sides import OpenSide, open_side
from slipway_steps.perf.store import read_session

PIPELINE = {
    "kind": "Workflow",
    "spec": {
        "templates": [
            {"name": "main", "steps": [[{"name": "load", "template": "work"}], [{"name": "rest", "template": "work"}]]},
            {"name": "work", "container": {"command": ["true"]}},
        ]
    },
}


class Sides:
    """Opens sides on fake targets. A pipeline that was slowed takes as much longer as its command says."""

    def __init__(self, directory: Path, make: Callable[[random.Random, float], RunSample]) -> None:
        self.directory, self.make = directory, make
        self.pipeline = directory / "p.yaml"
        self.pipeline.write_text(yaml.safe_dump(PIPELINE))
        self.targets: dict[str, FakeTarget] = {}
        self.ran = 0
        self.scenario = PerfScenario(mode="PIPELINE_RUN", pipeline_file_name="p.yaml")

    def open(self, name: str) -> AbstractContextManager[OpenSide]:
        chance = random.Random(name)
        target = FakeTarget(lambda number: self.make(chance, self.added(target)))
        self.targets[name] = target
        return open_side(self.scenario, target, self.directory, f"perf-x-{name}", name)

    def added(self, target: FakeTarget) -> float:
        pipeline = target.prepared[-1][1]
        assert pipeline is not None
        templates = yaml.safe_load(pipeline.read_text())["spec"]["templates"]
        return sum(float(one["container"]["command"][5]) for one in templates[2:])

    def measurement(self) -> AaMeasurement:
        return AaMeasurement(self.scenario, self.pipeline, self.open, lambda: 0.02, self.count)

    def count(self, run: RunSample) -> None:
        self.ran += 1


def noisy(chance: random.Random, added: float) -> RunSample:
    """A run of half a second of processor time, with a noise of 3 %."""
    cpu = 0.5 * chance.lognormvariate(0, 0.03) + added
    return sample(cpu=cpu, seconds=2 * cpu, load=cpu, rest=0.1)


def test_equal_sides_are_measured_in_turn_with_a_really_slowed_step(tmp_path: Path) -> None:
    sides = Sides(tmp_path, noisy)
    found = sides.measurement().replayed(25, 10)
    assert found.step == "load"
    assert found.seconds == pytest.approx(0.05, rel=0.1)
    assert found.pairs == 25
    assert found.believable
    cpu = next(one for one in found.metrics if one.metric == "cpu")
    assert cpu.false_alarms <= 0.01
    assert cpu.found is not None
    assert cpu.found > 0.95
    assert cpu.slowed is not None
    assert cpu.slowed.estimate == pytest.approx(1.1, abs=0.02)
    assert cpu.noise == pytest.approx(0.042, abs=0.015)
    assert len(sides.targets["base"].started) == 3 + 25 + 1 + 25
    assert len(sides.targets["head"].started) == 3 + 25
    assert len(sides.targets["slowed"].started) == 1 + 25
    assert sides.ran == 54 + 28 + 26
    for name, target in sides.targets.items():
        assert target.removed == [f"perf-x-{name}"]
        assert read_session(tmp_path / f"perf-x-{name}") is not None


@pytest.mark.parametrize(("really", "said"), [(28, True), (0.1, True), (1, False)])
def test_a_slowed_step_that_takes_another_time_than_was_asked_for_is_told(
    tmp_path: Path, really: float, said: bool
) -> None:
    found = Sides(tmp_path, lambda chance, added: noisy(chance, really * added)).measurement().replayed(12, 10)
    assert [
        note.startswith("cpu of the slowed side is ×") and "far from the ×1.10" in note for note in found.notes
    ] == ([True] if said else [])


def test_the_items_of_a_loop_are_slowed_by_their_share(tmp_path: Path) -> None:
    def make(chance: random.Random, added: float) -> RunSample:
        run = noisy(chance, 5 * added)  # each of the five items is slowed
        items = {f"load({number}:{number})": 0.1 for number in range(5)}
        return run.model_copy(update={"components": items | {"rest": 0.2}})

    found = Sides(tmp_path, make).measurement().replayed(12, 50)
    assert (found.step, found.notes) == ("load", [])
    cpu = next(one for one in found.metrics if one.metric == "cpu")
    assert cpu.slowed is not None
    assert cpu.slowed.estimate == pytest.approx(1.5, abs=0.08)


def test_without_a_slowed_step(tmp_path: Path) -> None:
    sides = Sides(tmp_path, noisy)
    found = sides.measurement().replayed(12, 0)
    assert found.step == ""
    assert [one.found for one in found.metrics] == [None, None]
    assert list(sides.targets) == ["base", "head"]


def test_whole_comparisons_of_equal_sides(tmp_path: Path) -> None:
    sides = Sides(tmp_path, noisy)
    found = sides.measurement().live(5)
    assert found == LiveAlarms(rejected=0, passed=5, number=5)
    assert list(LiveAlarms(rejected=0, passed=58, number=60).lines()) == [
        "live: 0 of 60 comparisons of equal sides rejected (95 % interval 0 % to 6 %), 58 passed, 2 inconclusive"
    ]


def test_one_interrupt_ends_all_comparisons_and_is_not_counted(tmp_path: Path) -> None:
    def make(chance: random.Random, added: float) -> RunSample:
        if len(sides.targets["live-head"].started) == 45:
            raise KeyboardInterrupt
        return noisy(chance, added)

    sides = Sides(tmp_path, make)
    found = sides.measurement().live(20)
    assert found.interrupted
    assert 1 <= found.number <= 4, "a comparison has 10 to 40 pairs"
    assert (found.rejected, found.passed) == (0, found.number)
    (why,) = found.unmade
    assert why.startswith(f"comparison {found.number + 1}: it was interrupted after ")
    assert list(found.lines())[1] == f"live: not counted: {why}"
    assert len(sides.targets["live-head"].started) == 45


@pytest.mark.parametrize("broken", [True, False])
def test_comparisons_that_could_not_be_made_say_nothing_about_alarms(tmp_path: Path, broken: bool) -> None:
    sides = Sides(tmp_path, lambda chance, added: failed(message="no such image"))
    if not broken:
        sides.scenario = sides.scenario.model_copy(update={"run_time": 0.0})
    found = sides.measurement().live(2)
    assert (found.rejected, found.passed, found.number, found.interrupted) == (0, 0, 0, False)
    assert [why.partition(":")[0] for why in found.unmade] == ["comparison 1", "comparison 2"]
    assert ("no such image" if broken else "runTime of 0 min was over") in found.unmade[0]
    assert next(found.lines()) == "live: no comparison of equal sides came to its end"


def test_a_pipeline_that_fails_is_named(tmp_path: Path) -> None:
    sides = Sides(tmp_path, lambda chance, added: failed(message="no such image"))
    with pytest.raises(BadInput, match="no run succeeded: no such image"):
        sides.measurement().replayed(10, 10)
    assert all(target.removed for target in sides.targets.values())


def test_too_few_pairs_are_not_replayed_and_ctrl_c_keeps_what_there_is(tmp_path: Path) -> None:
    runs = 0

    def interrupted(chance: random.Random, added: float) -> RunSample:
        nonlocal runs
        runs += 1
        if runs == limit:
            raise KeyboardInterrupt
        return noisy(chance, added)

    limit = 6 + 2 * 14
    (tmp_path / "one").mkdir()
    found = Sides(tmp_path / "one", interrupted).measurement().replayed(60, 0)
    assert found.pairs == 13
    assert found.notes == ["it was interrupted after 13 pairs"]
    assert found.interrupted
    runs, limit = 0, 6 + 2 * 4
    (tmp_path / "two").mkdir()
    with pytest.raises(KeyboardInterrupt):
        Sides(tmp_path / "two", interrupted).measurement().replayed(60, 0)
