"""Modes and plugins of other packages, as a small distribution that is really installed brings them."""

import asyncio
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import pytest
from steps.perf.sleeping_target import SleepingTarget
from steps.perf.test_driver import session

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_session import PerfSession, RunSample
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.modes import mode_names, mode_of
from slipway_steps.perf.plugins import PerformancePlugin
from slipway_steps.perf.runner import PerfContext, Runner

CODE = """
    from slipway_steps.perf.plugins import PerformancePlugin
    from slipway_steps.perf.runner import Runner

    class Twice(Runner):
        needs_pipeline = False

        async def execute(self):
            await self.one()
            await self.one()

        async def collect(self):
            self.context.measures["twice"] = len(self.context.runs)

    class Good(PerformancePlugin):
        def collect_metrics(self, context):
            return {"runs": len(context.runs)}

        def analyze_results(self, metrics):
            return {"even": metrics["runs"] % 2 == 0}

        def generate_report(self, analysis):
            return f"even: {analysis['even']}"

    class Bad(PerformancePlugin):
        def collect_metrics(self, context):
            return {"runs": 1}

        def analyze_results(self, metrics):
            raise LookupError("no idea")

    class Unmakeable(PerformancePlugin):
        def __init__(self):
            raise OSError("no file")

    NO_RUNNER = 3
"""
ENTRY_POINTS = """
    [slipway.perf.modes]
    TWICE = perf_extension:Twice
    MISSING = perf_extension_that_is_not_there:Mode
    NUMBER = perf_extension:NO_RUNNER

    [slipway.perf.plugins]
    good = perf_extension:Good
    bad = perf_extension:Bad
    unmakeable = perf_extension:Unmakeable
"""


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    info = site / "perf_extension-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "perf_extension.py").write_text(textwrap.dedent(CODE))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: perf-extension\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(textwrap.dedent(ENTRY_POINTS))
    monkeypatch.syspath_prepend(str(site))


@pytest.mark.usefixtures("extension")
def test_a_mode_of_another_package_runs(tmp_path: Path) -> None:
    assert "TWICE" in mode_names()
    found = session(tmp_path, SleepingTarget(), mode="TWICE", kind="smoke", numTimes=2)
    assert (found.measures, found.verdict) == ({"twice": 2}, Verdict.PASS)


class Sized(Runner):
    """Starts nothing, and tells the size of something."""

    async def execute(self) -> None:
        self.context.measures["size MiB"] = 7


@pytest.mark.parametrize(
    ("thresholds", "verdict", "codes"),
    [
        ({"size MiB": 8.0}, Verdict.PASS, ["size MiB"]),
        ({"size MiB": 6.0}, Verdict.REJECT, ["size MiB"]),
        ({"size MiB": 8.0, "weight kg": 8.0}, Verdict.INCONCLUSIVE, ["size MiB", "weight kg"]),
        ({"weight kg": 8.0}, Verdict.INCONCLUSIVE, ["error-rate", "weight kg", "runs"]),
        ({}, Verdict.INCONCLUSIVE, ["error-rate", "runs"]),
    ],
)
def test_a_mode_that_starts_nothing_is_judged_by_the_thresholds_on_what_it_measures(
    tmp_path: Path, thresholds: dict[str, float], verdict: Verdict, codes: list[str]
) -> None:
    found = session(tmp_path, SleepingTarget(), modes={"SIZED": Sized}, mode="SIZED", thresholds=thresholds)
    assert (found.verdict, [one.code for one in found.checks]) == (verdict, codes)


def test_a_shipped_mode_that_started_nothing_is_inconclusive_whatever_it_measured(tmp_path: Path) -> None:
    class Stopped(Runner):
        async def execute(self) -> None:
            self.context.measures["create-experiment s"] = 0.1

    limits = {"create-experiment s": 9.0}
    found = session(tmp_path, SleepingTarget(), modes={"EXPERIMENT": Stopped}, mode="EXPERIMENT", thresholds=limits)
    assert (found.runs, found.verdict) == ([], Verdict.INCONCLUSIVE)


@pytest.mark.usefixtures("extension")
@pytest.mark.parametrize(
    ("name", "said"),
    [("MISSING", "cannot be imported"), ("NUMBER", "is no subclass"), ("NOWHERE", "there is no mode")],
)
def test_a_mode_that_cannot_be_used_is_named(name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        mode_of(name)


@pytest.mark.usefixtures("extension")
def test_plugins_are_asked_and_one_that_raises_costs_nothing(tmp_path: Path) -> None:
    found = session(tmp_path, SleepingTarget())
    assert found.verdict is Verdict.PASS
    assert found.plugins["good"] == {"metrics": {"runs": 6}, "analysis": {"even": True}, "report": "even: True"}
    assert found.plugins["bad"] == {"metrics": {"runs": 1}}
    assert "unmakeable" not in found.plugins
    said = "\n".join(found.notes)
    assert "plugin bad: analyze_results failed: LookupError('no idea')" in said
    assert "plugin unmakeable (perf_extension:Unmakeable) cannot be loaded: OSError('no file')" in said


def test_without_other_packages_there_are_the_shipped_modes(tmp_path: Path) -> None:
    assert sorted(mode_names()) == ["EXPERIMENT", "LARGE_DATASET", "PIPELINE_RUN", "RANDOM_GETS", "SCHEDULED_RUNS"]
    assert session(tmp_path, SleepingTarget()).plugins == {}


CIRCULAR: dict[str, object] = {}
CIRCULAR["itself"] = CIRCULAR
DEEP: list[object] = []
for _ in range(194):
    DEEP = [DEEP]


EXIT = "exit"


class Telling(PerformancePlugin):
    """Tells one value; the plugin `exit` ends the program instead."""

    def __init__(self, value: object) -> None:
        self.value = value

    def collect_metrics(self, context: PerfContext) -> Mapping[str, object]:
        return sys.exit(3) if self.value is EXIT else {"told": self.value}

    def generate_report(self, analysis: Mapping[str, object]) -> str:
        return "seen"


def stored(tmp_path: Path, found: PerfSession) -> PerfSession:
    return PerfSession.model_validate_json((tmp_path / "perf" / found.name / "session.json").read_bytes())


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (numpy.int64(7), 7),
        (numpy.float32(0.5), 0.5),
        (numpy.array([1, 2]), [1, 2]),
        (Path("a"), "a"),
        (b"bytes", "bytes"),
        (float("nan"), "NaN"),
    ],
)
def test_what_a_plugin_tells_is_stored_as_json(tmp_path: Path, value: object, told: object) -> None:
    found = session(tmp_path, SleepingTarget(), numTimes=5, plugins={"own": Telling(value)})
    assert found.plugins["own"] == {"metrics": {"told": told}, "analysis": {}, "report": "seen"}
    assert stored(tmp_path, found) == found


@pytest.mark.parametrize("value", [object(), b"\xff", CIRCULAR, DEEP, "\ud800", EXIT], ids=lambda one: repr(one)[:20])
def test_what_json_cannot_hold_costs_the_plugin_alone(tmp_path: Path, value: object) -> None:
    found = session(tmp_path, SleepingTarget(), numTimes=5, plugins={"own": Telling(value)})
    assert (found.plugins, found.verdict, len(found.timed)) == ({"own": {}}, Verdict.PASS, 5)
    assert "plugin own: collect_metrics failed: " in found.notes[0]
    assert stored(tmp_path, found) == found


class Unmakeable(Runner):
    def __init__(self, context: PerfContext) -> None:
        raise LookupError("no mode today")


class Exiting(Runner):
    async def collect(self) -> None:
        sys.exit(3)


class ExitingBeside(Runner):
    async def collect(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._exit())

    async def _exit(self) -> None:
        sys.exit(3)


@pytest.mark.parametrize(("mode", "runs"), [(Unmakeable, 0), (Exiting, 6), (ExitingBeside, 6)])
def test_a_mode_that_ends_the_program_costs_no_run(tmp_path: Path, mode: type[Runner], runs: int) -> None:
    found = session(tmp_path, SleepingTarget(), {"OWN": mode}, mode="OWN")
    assert (found.verdict, len(found.timed)) == (Verdict.ERROR, runs)
    assert found.errors[0].startswith("mode OWN: ")
    assert stored(tmp_path, found) == found


class Measuring(Runner):
    async def collect(self) -> None:
        told: dict[str, Any] = {"good": numpy.float64(2.5), "many": float("inf"), "count": numpy.int64(3)}
        self.context.measures.update(told | {"bad": "x", "nan": float("nan"), "huge": 10**400, "\ud800": object()})

    def measured(self, sample: RunSample) -> RunSample:
        return sample.model_copy(update={"measures": {"fine": 1.0, "broken": object()}})


def test_measures_that_are_no_numbers_are_named_and_left_out(tmp_path: Path) -> None:
    found = session(tmp_path, SleepingTarget(), {"OWN": Measuring}, mode="OWN")
    assert found.measures == {"good": 2.5, "many": float("inf"), "count": 3}
    assert [run.measures for run in found.runs] == [{"fine": 1}] * 6
    assert found.verdict is Verdict.ERROR
    assert len(found.errors) == 5
    assert "mode OWN: measure 'bad' is no number, but a str" in found.errors
    assert stored(tmp_path, found) == found
