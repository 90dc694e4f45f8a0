"""The shadow gate: the same held-out images to both versions, judged pair by pair."""

from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps.release.fakes import FakeWorld, Memory

from slipway_steps.domain.answer import Answer
from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.domain.errors import AppError
from slipway_steps.domain.verdict import GateReport, Verdict
from slipway_steps.release import shadow
from slipway_steps.release.shadow import Pair, compare

STAGING, CANARY, PRODUCTION = Environment
NUMBER = 100


def pairs(worse: int, better: int, same: int = 0) -> list[Pair]:
    found = [Pair("a", "b", "a", b"")] * worse + [Pair("a", "a", "b", b"")] * better
    return [*found, *[Pair("a", "a", "a", b"")] * same]


@pytest.mark.parametrize(
    ("worse", "better", "same", "wanted"),
    [
        (14, 0, 346, Verdict.REJECT),
        (4, 0, 356, Verdict.PASS),  # a loss of 1.1 points, which may be chance: p 0.06
        (20, 1, 3979, Verdict.PASS),  # surely a loss, but one of half a point
        (10, 10, 340, Verdict.PASS),
        (0, 14, 346, Verdict.PASS),
        (0, 0, 0, Verdict.INCONCLUSIVE),
    ],
)
def test_a_loss_has_to_be_sure_and_large_enough(worse: int, better: int, same: int, wanted: Verdict) -> None:
    assert compare(pairs(worse, better, same), 1.0).verdict is wanted


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 300))
def test_a_version_that_is_not_worse_is_never_rejected(worse: int, better: int, same: int) -> None:
    found = compare(pairs(min(worse, better), max(worse, better), same), 0.0)
    assert found.verdict is Verdict.PASS


class App:
    """Answers by the brightness of the upper left pixel; `wrong`: the images that it gets wrong."""

    def __init__(self, wrong: int, status: int = 200) -> None:
        self.wrong, self.status, self.asked = wrong, status, 0

    def predict(self, image: bytes) -> Answer:
        self.asked += 1
        if self.status == 0:
            raise AppError("connection refused")
        label = "dark" if self.asked <= self.wrong else "bright"
        return Answer(self.status, {"label": label}, "", 1.0)


class Registry:
    def __init__(self, package: Path) -> None:
        self.package, self.kept = package, list[GateReport]()

    def candidate(self, version: str) -> Any:
        return Memory.candidate(version)

    def run_of(self, version: str) -> str:
        return "run"

    def download_package(self, run_id: str, target: Path) -> Path:
        return self.package

    def save_report(self, run_id: str | None, report: GateReport) -> None:
        self.kept.append(report)


class Platform:
    def url(self, host: str) -> str:
        return host


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    images = numpy.full((NUMBER, 4, 4, 3), 255, dtype=numpy.uint8)
    numpy.savez(tmp_path / "holdout.npz", images=images, labels=numpy.ones(NUMBER, dtype=numpy.int64))

    class Package:
        holdout = tmp_path / "holdout.npz"

        class contract:  # noqa: N801 - as the field of the real one
            labels = ("dark", "bright")

    monkeypatch.setattr(shadow, "read_package", lambda path: Package)
    return tmp_path


def judged(memory: Memory, package: Path, new: App, old: App) -> GateReport:
    hosts = {service_host("model-app", CANARY): new, service_host("model-app", PRODUCTION): old}

    class Apps:
        def at(self, url: str, timeout: float) -> App:
            return hosts[url]

    registry = Registry(package)
    world = FakeWorld(memory.world().settings, registry, platform=Platform(), apps=Apps())
    shadow.run(shadow.Params(model_version="2", release="r"), world)  # type: ignore[arg-type] # a world of what the gate uses
    return registry.kept[0]


def test_both_get_every_image_and_the_report_shows_what_changed(memory: Memory, package: Path) -> None:
    new, old = App(wrong=2), App(wrong=0)
    report = judged(memory, package, new, old)
    assert (new.asked, old.asked) == (NUMBER, NUMBER)
    assert report.verdict is Verdict.PASS
    assert "same 100 images to both: 100.0 % right before, 98.0 % now, 2 changed" in report.checks[0].message
    assert [(one["label"], one["old"], one["new"]) for one in report.series["changed"]] == [
        ("bright", "bright", "dark")
    ] * 2


def test_a_worse_version_is_rejected(memory: Memory, package: Path) -> None:
    assert judged(memory, package, App(wrong=12), App(wrong=0)).verdict is Verdict.REJECT


def test_errors_are_wrong_answers(memory: Memory, package: Path) -> None:
    assert judged(memory, package, App(wrong=0, status=500), App(wrong=0)).verdict is Verdict.REJECT


@pytest.mark.parametrize("dead", ["new", "old"])
def test_an_app_that_cannot_be_asked_is_inconclusive(memory: Memory, package: Path, dead: str) -> None:
    apps = {"new": App(0), "old": App(0), dead: App(0, status=0)}
    report = judged(memory, package, apps["new"], apps["old"])
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "could not be asked: connection refused" in report.checks[0].message
