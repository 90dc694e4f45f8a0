"""In no order of releases, failures, kills and re-runs does an alias stay on a candidate that failed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sampling import for_acceptance
from steps.release.fakes import Fuse, Killed, Memory

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.verdict import Verdict
from slipway_steps.release import deploy, finish, hold, promote, revert

STAGING, CANARY = Environment.STAGING, Environment.CANARY
KILLS = st.one_of(st.none(), st.tuples(st.integers(1, 12), st.booleans()))
RELEASES = st.lists(
    st.fixed_dictionaries(
        {
            "healthy": st.booleans(),
            "verdict": st.sampled_from(
                [Verdict.PASS, Verdict.PASS, Verdict.REJECT, Verdict.INCONCLUSIVE, Verdict.ERROR]
            ),
            "automatic": st.booleans(),
            "canary_healthy": st.booleans(),
            "kills": st.lists(KILLS, min_size=3, max_size=3),
            "rerun": st.booleans(),
            "finishes": st.booleans(),
        }
    ),
    min_size=1,
    max_size=6,
)


def step(memory: Memory, module: Any, kill: tuple[int, bool] | None, rerun: bool, **params: Any) -> bool:
    """Run a step, killed somewhere perhaps, and perhaps again; returns whether it ended well."""
    memory.fuse = Fuse(*kill) if kill else Fuse()
    try:
        module.run(module.Params(**params), memory.world())
    except Killed:
        memory.fuse = Fuse()
        return step(memory, module, None, False, **params) if rerun else False
    except SlipwayError:
        return False
    finally:
        memory.fuse = Fuse()
    return True


def release(memory: Memory, name: str, version: str, plan: dict[str, Any]) -> None:
    """Run the steps that release-model runs from deploy on, with the branch that the verdict takes."""
    memory.alive.add(name)
    if not plan["healthy"]:
        memory.sick.add((STAGING, version))
    if not plan["canary_healthy"]:
        memory.sick.add((CANARY, version))
    kills, rerun = plan["kills"], plan["rerun"]
    deployed = step(memory, deploy, kills[0], rerun, model_version=version, release=name)
    verdict = Verdict.ERROR if not deployed else plan["verdict"] if plan["healthy"] else Verdict.REJECT
    memory.prove(version, verdict, name)
    if verdict is Verdict.PASS:
        module = promote if plan["automatic"] else hold
        step(memory, module, kills[1], rerun, model_version=version, release=name)
    else:
        step(memory, revert, kills[1], rerun, model_version=version, release=name, reason=verdict)
    if plan["finishes"]:
        step(memory, finish, kills[2], rerun, release=name)
    memory.alive.discard(name)


def settle(memory: Memory) -> None:
    """Run one more release, which is good. It first undoes what killed releases left open."""
    memory.prove("999")
    memory.alive.add("last")
    for module, more in ((deploy, {}), (promote, {})):
        assert step(memory, module, None, False, model_version="999", release="last", **more)
    memory.alive.discard("last")


@pytest.mark.parametrize("examples", [60, for_acceptance(300)])
def test_no_alias_is_left_on_a_failed_candidate(examples: int) -> None:
    given(plans=RELEASES)(settings(max_examples=examples, deadline=None)(release_all))()


def release_all(plans: list[dict[str, Any]]) -> None:
    """Run the releases one after another, and assert after each that no alias is on a candidate that failed."""
    memory = Memory()
    passed = set()
    for number, plan in enumerate(plans, 1):
        release(memory, f"release-{number}", str(number), plan)
        if plan["healthy"] and plan["verdict"] is Verdict.PASS:
            passed.add(str(number))
        for environment in (STAGING, CANARY):
            record = memory.record(environment)
            assert {c.version for c in record.passed} <= passed, "last_good holds what never passed"
            if record.open is None:
                at_rest(memory, environment, passed)
    settle(memory)
    for environment in (STAGING, CANARY):
        assert memory.record(environment).open is None
        assert memory.aliases[environment.value] == "999"
        at_rest(memory, environment, passed | {"999"})


def at_rest(memory: Memory, environment: Environment, passed: set[str]) -> None:
    """Assert that alias, journal and platform name the same version, and that this version has passed."""
    record = memory.record(environment)
    version = record.current.version if record.current else None
    assert memory.alias(environment.value) == version
    assert memory.running.get(environment) == record.current
    assert version is None or version in passed
    assert record.current == record.last_good or record.current is None


@pytest.mark.parametrize("module", [deploy, promote, hold, revert])
def test_twice_is_once(memory: Memory, module: Any) -> None:
    for version in ("1", "2"):
        memory.prove(version)
        step(memory, deploy, None, False, model_version=version, release=f"r{version}")
        if version == "1" or module is not deploy:
            step(
                memory, promote if version == "1" else module, None, False, model_version=version, release=f"r{version}"
            )
    before = (dict(memory.records), dict(memory.aliases), dict(memory.running))
    assert step(memory, module, None, False, model_version="2", release="r2")
    assert (memory.records, memory.aliases, memory.running) == before
