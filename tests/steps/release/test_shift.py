"""A share of production's traffic: given in the name of one release, and never left behind."""

from typing import Any

import pytest
from steps.release.fakes import Fuse, Killed, Memory

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.domain.traffic import Share
from slipway_steps.release import deploy, drift, finish, promote, shift
from slipway_steps.release.drift import Kind

STAGING, CANARY, PRODUCTION = Environment
ROLLOUT = "promote-by-canary-1"


@pytest.fixture
def memory(memory: Memory) -> Memory:
    """Version 1 in production, version 2 in staging and canary."""
    for version in ("1", "2"):
        release = f"r{version}"
        memory.prove(version, release=release)
        deploy.run(deploy.Params(model_version=version, release=release), memory.world())
        promote.run(promote.Params(model_version=version, release=release), memory.world())
        if version == "1":
            promote.run(to_production("r1"), memory.world())
    memory.alive.add(ROLLOUT)
    return memory


def to_production(release: str) -> promote.Params:
    return promote.Params(
        source_environment=CANARY, target_environment=PRODUCTION, approved=True, release=release, model_version=""
    )


def run(memory: Memory, **given: Any) -> shift.Outputs:
    values = {"weights": "5,50", "approved": True, "release": ROLLOUT, **given}
    return shift.run(shift.Params(**values), memory.world())


def end(memory: Memory) -> None:
    memory.alive.discard(ROLLOUT)
    finish.run(finish.Params(release=ROLLOUT, workflow_status="Failed"), memory.world())


def state(memory: Memory) -> tuple[Any, ...]:
    return memory.shared, dict(memory.records), dict(memory.running), dict(memory.aliases)


def test_shares_rise_one_after_the_other(memory: Memory) -> None:
    assert run(memory) == shift.Outputs(weight="5", done="1", steps="2", last="false")
    assert memory.shared == Share(percent=5)
    assert run(memory, done=1) == shift.Outputs(weight="50", done="2", steps="2", last="true")
    assert memory.shared == Share(percent=50)
    assert memory.running[PRODUCTION] == memory.candidate("1"), "no version has moved"
    for environment in (CANARY, PRODUCTION):
        owner = memory.records[environment].open
        assert owner and (owner.release, owner.action) == (ROLLOUT, "shift")


def test_the_same_share_twice_changes_nothing(memory: Memory) -> None:
    run(memory)
    before = state(memory)
    run(memory)
    assert state(memory) == before


def test_after_the_last_share_the_promotion_takes_it_back(memory: Memory) -> None:
    run(memory, done=1)
    promote.run(to_production(ROLLOUT), memory.world())
    assert memory.shared == Share()
    assert memory.running[PRODUCTION] == memory.candidate("2")
    assert memory.records[PRODUCTION].traffic is None
    assert memory.records[PRODUCTION].open is None
    assert memory.records[CANARY].open is None
    before = state(memory)
    end(memory)
    assert state(memory) == before


def changes_of(memory: Memory, do: Any) -> int:
    before = memory.fuse.changes
    do()
    return memory.fuse.changes - before


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 5))
def test_a_release_that_is_killed_at_any_write_leaves_no_share(memory: Memory, at: int, early: bool) -> None:
    before = state(memory)
    memory.fuse = Fuse(left=at, before=early)
    with pytest.raises(Killed):
        run(memory)
    memory.fuse = Fuse()
    end(memory)
    assert state(memory) == before


def test_these_are_all_the_writes_there_are(memory: Memory) -> None:
    assert changes_of(memory, lambda: run(memory)) == 4


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 20))
def test_a_promotion_that_is_killed_at_any_write_leaves_no_share(memory: Memory, at: int, early: bool) -> None:
    run(memory, done=1)
    memory.fuse = Fuse(left=at, before=early)
    try:
        promote.run(to_production(ROLLOUT), memory.world())
    except Killed:
        memory.fuse = Fuse()
        end(memory)
    assert memory.shared == Share()
    assert memory.records[PRODUCTION].traffic is None
    assert memory.records[PRODUCTION].open is None
    current = memory.records[PRODUCTION].current
    assert current == memory.running[PRODUCTION] == memory.records[PRODUCTION].last_good


def test_a_release_that_is_gone_without_a_trace_is_cleaned_up_by_the_next(memory: Memory) -> None:
    run(memory)
    memory.alive.discard(ROLLOUT)
    run(memory, release="promote-by-canary-2")
    assert memory.shared == Share(percent=5)
    owner = memory.records[PRODUCTION].open
    assert owner and owner.release == "promote-by-canary-2"


def test_a_living_rollout_is_left_alone(memory: Memory) -> None:
    run(memory)
    with pytest.raises(Refused, match=f"belongs to release {ROLLOUT}"):
        run(memory, release="promote-by-canary-2")
    assert memory.shared == Share(percent=5)
    memory.prove("3", release="r3")
    deploy.run(deploy.Params(model_version="3", release="r3"), memory.world())
    with pytest.raises(Refused, match=f"canary belongs to release {ROLLOUT}"):
        promote.run(promote.Params(model_version="3", release="r3"), memory.world())


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"weights": "50,5"}, BadInput, "do not rise"),
        ({"done": 2}, BadInput, "none is left"),
        ({"approved": False}, Refused, "a person's approval"),
        ({"model_version": "1"}, Refused, "canary serves"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_moves(
    memory: Memory, given: dict[str, Any], error: type[Exception], said: str
) -> None:
    before, changes = state(memory), memory.fuse.changes
    with pytest.raises(error, match=said):
        run(memory, **given)
    assert (state(memory), memory.fuse.changes) == (before, changes)


def test_the_version_that_production_serves_cannot_be_tried_against_itself(memory: Memory) -> None:
    promote.run(to_production("r2"), memory.world())
    with pytest.raises(Refused, match=r"production serves .* already"):
        run(memory)


def test_an_app_that_does_not_serve_gets_no_users(memory: Memory) -> None:
    memory.sick.add((CANARY, "2"))
    with pytest.raises(Refused, match="canary does not serve"):
        run(memory)
    assert memory.shared == Share()


def test_a_share_that_nobody_gave_is_drift_and_is_taken_back(memory: Memory) -> None:
    assert drift.find(memory.world(), PRODUCTION) == []
    memory.shared = Share(percent=30)
    found = drift.find(memory.world(), PRODUCTION)
    assert [(one.kind, one.found, one.wanted) for one in found] == [(Kind.TRAFFIC, "30 % to the canary", "0 %")]
    assert drift.mend(memory.world(), PRODUCTION) == []
    assert memory.shared == Share()


def test_the_doctor_ends_a_rollout_that_died(memory: Memory) -> None:
    run(memory)
    memory.alive.discard(ROLLOUT)
    assert [one.kind for one in drift.find(memory.world(), PRODUCTION)] == [Kind.UNFINISHED]
    for environment in (CANARY, PRODUCTION):
        assert drift.mend(memory.world(), environment) == []
    assert memory.shared == Share()
    assert memory.running[CANARY] == memory.candidate("2"), "nothing was found against it"
