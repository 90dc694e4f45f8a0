"""One first version in all environments, once."""

from typing import Any

import pytest
from steps.release.fakes import Fuse, Killed, Memory

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError, Refused
from slipway_steps.release import deploy, finish, hold, initialize, vacant


def run(memory: Memory, module: Any, release: str = "initial", **params: Any) -> Any:
    return module.run(module.Params(release=release, **params), memory.world())


def test_every_environment_gets_it_with_alias_and_last_good(memory: Memory) -> None:
    assert run(memory, vacant).state == "vacant"
    run(memory, initialize, model_version="1")
    for environment in Environment:
        record = memory.record(environment)
        assert record.last_good == record.current == memory.candidate("1") == memory.running[environment]
        assert memory.alias(environment.value) == "1"
        assert record.open is None
    assert run(memory, vacant, release="again").state == "initialized"


def test_what_releases_have_used_is_refused_and_left_alone(memory: Memory) -> None:
    memory.prove("1")
    run(memory, deploy, model_version="1")
    before = memory.record(Environment.STAGING)
    for module, params in ((vacant, {}), (initialize, {"model_version": "2"})):
        with pytest.raises(Refused, match="in use"):
            run(memory, module, release="other", **params)
    assert memory.record(Environment.STAGING) == before
    assert memory.alias("canary") is None


def test_a_version_that_does_not_come_up_is_undone(memory: Memory) -> None:
    memory.sick.add((Environment.STAGING, "1"))
    with pytest.raises(PlatformError, match="does not start in staging"):
        run(memory, initialize, model_version="1")
    assert memory.alias("staging") is None
    assert memory.record(Environment.STAGING).open is None


def test_after_its_canary_failed_another_goes_on(memory: Memory) -> None:
    memory.sick.add((Environment.CANARY, "1"))
    with pytest.raises(PlatformError, match="does not start in canary"):
        run(memory, initialize, model_version="1")
    run(memory, finish)
    assert run(memory, vacant, release="again").state == "vacant"
    run(memory, initialize, release="again", model_version="2")
    for environment in Environment:
        assert memory.record(environment).passed == (memory.candidate("2"),)
    assert run(memory, vacant, release="third").state == "initialized"


def test_one_that_still_runs_is_named(memory: Memory) -> None:
    memory.fuse = Fuse(3)
    with pytest.raises(Killed):
        run(memory, initialize, model_version="1")
    memory.fuse = Fuse()
    memory.alive.add("initial")
    for module, params in ((vacant, {}), (initialize, {"model_version": "2"})):
        with pytest.raises(Refused, match="initial, which is still running"):
            run(memory, module, release="other", **params)


def test_a_version_that_the_gates_have_judged_is_in_use(memory: Memory) -> None:
    memory.sick.add((Environment.CANARY, "1"))
    memory.prove("1")
    run(memory, deploy, model_version="1")
    run(memory, hold)
    with pytest.raises(Refused, match="staging: in use"):
        run(memory, vacant, release="other")


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("at", range(1, 17))
@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_another_goes_on(memory: Memory, at: int, after: bool, finished: bool) -> None:
    memory.fuse = Fuse(at, after)
    try:
        run(memory, initialize, model_version="1")
    except Killed:
        memory.fuse = Fuse()
        if finished:
            run(memory, finish)
        if run(memory, vacant, release="again").state == "vacant":
            run(memory, initialize, release="again", model_version="2")
    memory.fuse = Fuse()
    (version,) = {memory.alias(environment.value) for environment in Environment}
    assert {candidate and candidate.version for candidate in memory.running.values()} == {version}
    assert run(memory, vacant, release="third").state == "initialized"


@pytest.mark.parametrize("at", range(1, 14))
@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_it_goes_on_or_is_undone(memory: Memory, at: int, after: bool) -> None:
    memory.fuse = Fuse(at, after)
    try:
        run(memory, initialize, model_version="1")
    except Killed:
        memory.fuse = Fuse()
        run(memory, initialize, model_version="1")
    memory.fuse = Fuse()
    assert [memory.alias(environment.value) for environment in Environment] == ["1"] * 3
    run(memory, finish)
    assert run(memory, vacant, release="again").state == "initialized"
