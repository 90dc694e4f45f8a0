"""Modes and plugins of other packages, as a small distribution that is really installed brings them."""

import textwrap
from pathlib import Path

import pytest
from steps.perf.sleeping_target import SleepingTarget
from steps.perf.test_driver import session

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.modes import mode_names, mode_of

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
    found = session(tmp_path, SleepingTarget(), mode="TWICE", numTimes=2)
    assert (found.measures, found.verdict) == ({"twice": 2}, Verdict.PASS)


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
