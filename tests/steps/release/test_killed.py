"""kill -9 at each change that deploy, promote and revert make, on real MLflow, images and processes; then run again."""

import multiprocessing
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sampling import sampled
from steps.release.killed_step import run_killed

from slipway_steps.adapters.world import make_world
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.verdict import PACKAGE_GATES, Check, Gate, GateReport, Verdict
from slipway_steps.ports import World
from slipway_steps.release import build, deploy, promote, register, revert
from slipway_steps.settings import Settings

STAGING, CANARY, _ = Environment
FORKS = multiprocessing.get_context("forkserver")
"""Forks each process from one that has imported MLflow already."""
FORKS.set_forkserver_preload(["slipway_steps.preload"])


def report(gate: Gate, candidate: Candidate, release: str) -> GateReport:
    check = Check(code="test", verdict=Verdict.PASS, message="passed")
    now = time.time()
    return GateReport(
        gate=gate,
        candidate=candidate,
        release=release,
        verdict=Verdict.PASS,
        checks=[check],
        started_at=now,
        finished_at=now,
    )


def run(world: World, module: Any, **params: Any) -> Any:
    return module.run(module.Params(**params), world)


def built(world: World, package: Path, release: str) -> str:
    """A registered version with an image, whose package passed its gates."""
    run_id = world.registry.log_package(release, package)
    for gate in PACKAGE_GATES:
        world.registry.save_report(run_id, report(gate, Candidate(version="", digest=""), release))
    version: str = run(world, register, run_id=run_id, release=release).model_version
    run(world, build, model_version=version, release=release)
    return version


def prove(world: World, version: str, release: str) -> None:
    for gate in (Gate.INTEGRATION, Gate.RESOURCES, Gate.LOAD):
        world.registry.save_report(None, report(gate, world.registry.candidate(version), release))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, trained_package: Path) -> Iterator[World]:
    """Version 1 stands in staging and canary; version 2 is built."""
    found = make_world(Settings(home=tmp_path_factory.mktemp("killed") / "home"))
    for release in ("first", "second"):
        version = built(found, trained_package, release)
        prove(found, version, release)
    run(found, deploy, model_version="1", release="first")
    run(found, promote, model_version="1", release="first")
    yield found
    for environment in Environment:
        found.platform.down(environment)  # type: ignore[attr-defined]


def killed(world: World, change: int, step: str, **params: str) -> bool:
    """Run a step in a process of its own that dies just before its n-th change; False where it made fewer."""
    arguments = [step, *(f"--{name.replace('_', '-')}={value}" for name, value in params.items())]
    log = world.settings.home.parent / "step.log"
    process = FORKS.Process(target=run_killed, args=(change, world.settings.home, log, arguments))
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), log.read_text()
    return process.exitcode != 0


def stands(world: World, environment: Environment, version: str) -> None:
    """Alias, journal, platform, tag and the app itself all say this version, and nobody owns the environment."""
    record = world.registry.record(environment)
    assert record.current is not None
    assert record.current.version == version
    assert world.registry.alias(environment.value) == version
    assert world.platform.deployed(environment) == record.current
    assert world.images.resolve(f"{environment}-1.0.{version}") == record.current.digest
    from slipway_steps.release.rollout import serves

    assert serves(world, environment, record.current)


@pytest.mark.parametrize("change", sampled(range(1, 8), 3))
def test_killed_at_each_change_and_run_again(world: World, change: int) -> None:
    release = f"release-{change}"
    params = {"model_version": "2", "release": release}
    was_killed = killed(world, change, "deploy", **params)
    assert was_killed or change > 5
    assert run(world, deploy, **params).state == deploy.State.HEALTHY
    record = world.registry.record(STAGING)
    assert record.open is not None
    assert record.open.release == release
    prove(world, "2", release)

    was_killed = killed(world, change, "promote", **params)
    assert was_killed or change > 6
    run(world, promote, **params)
    for environment in (STAGING, CANARY):
        stands(world, environment, "2")
        assert world.registry.record(environment).open is None

    for environment in (STAGING, CANARY):
        back = {"target_environment": environment.value, "release": f"{release}-{environment}", "reason": "a test"}
        killed(world, change, "revert", **back)
        run(world, revert, **back)
        stands(world, environment, "1")
        assert world.registry.record(environment).open is None
        run(world, revert, **back)
        stands(world, environment, "1")


def test_what_a_dead_release_left_is_undone_by_the_next(world: World) -> None:
    assert killed(world, 4, "deploy", model_version="2", release="dead")
    assert run(world, deploy, model_version="1", release="next").state == deploy.State.HEALTHY
    assert world.registry.alias("staging") == "1"
    record = world.registry.record(STAGING)
    assert record.open is not None
    assert record.open.release == "next"
