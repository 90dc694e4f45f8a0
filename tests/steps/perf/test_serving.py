"""Two served versions compared: the verdict on told latencies, and a real app of a really trained model."""

import os
import random
import time
from pathlib import Path

import psutil
import pytest

from slipway_steps.adapters.http.load_generator import LocustLoadGenerator
from slipway_steps.adapters.world import LazyWorld
from slipway_steps.domain.answer import RequestResult
from slipway_steps.domain.comparison import Side
from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.domain.package import read_package
from slipway_steps.domain.verdict import Verdict
from slipway_steps.files import lock_directory
from slipway_steps.perf.serving import REQUESTS, ServingComparison, compare_serving
from slipway_steps.perf.serving_apps import PREFIX, clean_served, served
from slipway_steps.settings import Settings

VERSIONS = {Side.BASE: "6", Side.HEAD: "7"}


class ToldLoad:
    """Gives latencies that are told: of head they are `factor` times as long, and `failing` of its requests fail."""

    def __init__(self, factor: float = 1.0, failing: int = 0, side: Side = Side.HEAD, after: float = 0.0) -> None:
        self.factor, self.failing, self.side, self.after = factor, failing, side, after
        self.asked: list[str] = []
        self.chance = random.Random(1)

    def send(self, url: str, image: bytes, requests: int, users: int, seconds: float) -> list[RequestResult]:
        self.asked.append(url)
        own = url == self.side
        machine = 100 * self.chance.lognormvariate(0, 0.05)
        found = []
        for number in range(requests):
            milliseconds = machine * self.chance.lognormvariate(0, 0.2) * (self.factor if own else 1)
            fails = own and number < self.failing
            found.append(RequestResult((fails and self.after) or milliseconds, 500 if fails else 200, {}))
        return found


def compared(load: ToldLoad, tmp_path: Path, **more: float) -> ServingComparison:
    image = tmp_path / "image.png"
    image.write_bytes(b"png")
    return compare_serving(VERSIONS, {side: side.value for side in Side}, image, load, **more)  # type: ignore[arg-type]


def test_as_fast_passes_and_slower_is_rejected(tmp_path: Path) -> None:
    same = compared(ToldLoad(), tmp_path)
    assert same.verdict is Verdict.PASS
    assert (same.base, same.head) == ("6", "7")
    slower = compared(ToldLoad(1.4), tmp_path)
    assert slower.verdict is Verdict.REJECT
    assert slower.metric.ratio is not None
    assert slower.metric.ratio.low < 1.4 < slower.metric.ratio.high
    assert len(slower.pairs) == 10


def test_sides_take_turns_in_random_order_after_a_warm_up(tmp_path: Path) -> None:
    load = ToldLoad()
    found = compared(load, tmp_path)
    assert load.asked[:2] == ["base", "head"]
    assert load.asked[2::2] == [pair.first for pair in found.pairs]
    assert len(set(load.asked[2::2])) == 2


@pytest.mark.parametrize(("side", "verdict"), [(Side.HEAD, Verdict.REJECT), (Side.BASE, Verdict.INCONCLUSIVE)])
def test_a_side_that_fails_is_not_timed(tmp_path: Path, side: Side, verdict: Verdict) -> None:
    found = compared(ToldLoad(0.1, failing=11, side=side), tmp_path)
    assert found.verdict is verdict
    assert found.checks[0].message == f"11 of {REQUESTS} requests to {side} failed in one run"
    assert compared(ToldLoad(failing=10, side=side), tmp_path).verdict is Verdict.PASS


@pytest.mark.parametrize("after", [0.001, 30_000.0])
def test_requests_that_failed_are_not_timed(tmp_path: Path, after: float) -> None:
    found = compared(ToldLoad(failing=10, after=after), tmp_path)
    assert found.metric.ratio is not None
    assert 0.95 < found.metric.ratio.estimate < 1.05
    assert all(pair.failed[Side.HEAD] == 10 for pair in found.pairs)
    assert compared(ToldLoad(1.4, failing=10, after=after), tmp_path).verdict is Verdict.REJECT


def test_the_deadline_leaves_it_undecided(tmp_path: Path) -> None:
    found = compared(ToldLoad(), tmp_path, minutes=0)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.pairs == []


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, trained_package: Path) -> LazyWorld:
    """An installation with version 1, which has an image, and version 2, which has none."""
    found = LazyWorld(Settings(home=tmp_path_factory.mktemp("serving") / "home"))
    for release in ("one", "two"):
        run = found.registry.log_package(release, trained_package)
        version = found.registry.register(run)
        if release == "one":
            found.registry.set_image(version, found.images.build(trained_package, version, "test"), "r")
    return found


def test_a_registered_version_is_served_and_nothing_is_left(
    world: LazyWorld, trained_package: Path, tmp_path: Path
) -> None:
    home = tmp_path / "serving-base"
    with served(world, "1", home) as url:
        image = read_package(trained_package).samples[0].read_bytes()
        results = LocustLoadGenerator().send(url, image, 5, 1, 30)
        assert [result.status for result in results] == [200] * 5
        assert processes(home)
    assert gone(home)
    assert not home.exists()
    assert not (world.settings.home / "environments").exists(), "no environment of a release was touched"


def test_versions_that_cannot_be_served_are_named(world: LazyWorld, tmp_path: Path) -> None:
    cases: list[tuple[str, type[Exception], str]] = [("2", Refused, "has no image"), ("9", BadInput, "no version")]
    for version, error, said in cases:
        with pytest.raises(error, match=said), served(world, version, tmp_path / "home"):
            pass
    assert not (tmp_path / "home").exists()


def test_an_app_whose_program_was_killed_is_ended_and_one_that_is_used_is_left_alone(
    world: LazyWorld, tmp_path: Path
) -> None:
    place = tmp_path / "perf" / "perf-abcde"
    home = place / f"{PREFIX}base"
    used = served(world, "1", home)
    used.__enter__()
    lock = lock_directory(place)
    assert list(clean_served(world, tmp_path / "perf")) == []
    assert processes(home)
    os.close(lock)
    assert list(clean_served(world, tmp_path / "perf")) == [str(home)]
    assert gone(home)
    assert not home.exists()
    assert list(clean_served(world, tmp_path / "perf")) == []


def gone(home: Path) -> bool:
    """Whether nothing works in a directory; a supervisor has freed its lock a moment before it ends."""
    deadline = time.monotonic() + 10
    while processes(home) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes(home)


def processes(home: Path) -> list[int]:
    """The processes that work in a directory, or were started for it."""
    found = psutil.process_iter(["cmdline"])
    return [one.pid for one in found if any(str(home) in part for part in one.info["cmdline"] or [])]
