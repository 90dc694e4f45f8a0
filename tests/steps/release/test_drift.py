"""What `slipway doctor` finds where somebody or something changed the world behind the journal's back."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps.release.fakes import Memory

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import HostUnknown, PlatformError
from slipway_steps.release import deploy, doctor, drift, promote
from slipway_steps.release.drift import Kind

STAGING, CANARY, PRODUCTION = Environment


def released(memory: Memory, version: str) -> None:
    memory.prove(version, release=f"r{version}")
    deploy.run(deploy.Params(model_version=version, release=f"r{version}"), memory.world())
    promote.run(promote.Params(model_version=version, release=f"r{version}"), memory.world())


def other_alias(memory: Memory) -> None:
    memory.aliases["staging"] = "9"


def no_alias(memory: Memory) -> None:
    memory.aliases.pop("staging")


def moved_tag(memory: Memory) -> None:
    memory.tags["staging-1.0.2"] = "sha256:other"


def other_deployment(memory: Memory) -> None:
    memory.running[STAGING] = memory.candidate("1")


def emptied(memory: Memory) -> None:
    memory.running[STAGING] = None


HARM: dict[Kind, list[Callable[[Memory], None]]] = {
    Kind.ALIAS: [other_alias, no_alias],
    Kind.TAG: [moved_tag],
    Kind.DEPLOYMENT: [other_deployment, emptied],
}
HARMS = [(kind, harm) for kind, harms in HARM.items() for harm in harms]


@pytest.mark.parametrize(("kind", "harm"), HARMS, ids=lambda one: getattr(one, "__name__", str(one)))
def test_each_drift_is_found_and_mended(memory: Memory, kind: Kind, harm: Callable[[Memory], None]) -> None:
    released(memory, "1")
    released(memory, "2")
    assert drift.find(memory.world(), STAGING) == []
    harm(memory)
    changes = memory.fuse.changes
    assert [one.kind for one in drift.find(memory.world(), STAGING)] == [kind]
    assert memory.fuse.changes == changes, "looking changed something"
    assert drift.mend(memory.world(), STAGING) == []
    assert memory.running[STAGING] == memory.candidate("2")
    assert memory.alias("staging") == "2"
    assert memory.tags["staging-1.0.2"] == memory.candidate("2").digest
    changes = memory.fuse.changes
    assert drift.mend(memory.world(), STAGING) == []
    assert memory.fuse.changes == changes, "mending twice changed more"


@given(st.lists(st.sampled_from([harm for _, harm in HARMS]), max_size=6))
def test_whatever_happened_it_is_mended(harms: list[Callable[[Memory], None]]) -> None:
    memory = Memory()
    released(memory, "1")
    released(memory, "2")
    before = (dict(memory.running), dict(memory.aliases), dict(memory.tags))
    for harm in harms:
        if harm is not no_alias or "staging" in memory.aliases:
            harm(memory)
    assert drift.mend(memory.world(), STAGING) == []
    assert (memory.running, memory.aliases, memory.tags) == before


def test_an_unknown_deployment_goes_where_nothing_should_be(memory: Memory) -> None:
    memory.running[PRODUCTION] = memory.candidate("1")
    memory.aliases["production"] = "1"
    assert [one.kind for one in drift.find(memory.world(), PRODUCTION)] == [Kind.ALIAS, Kind.DEPLOYMENT]
    assert drift.mend(memory.world(), PRODUCTION) == []
    assert memory.running[PRODUCTION] is None
    assert memory.alias("production") is None


def test_what_a_dead_release_left_is_undone(memory: Memory) -> None:
    released(memory, "1")
    deploy.run(deploy.Params(model_version="2", release="dead"), memory.world())
    (found,) = drift.find(memory.world(), STAGING)
    assert found.kind is Kind.UNFINISHED
    assert "dead ended in the middle of its deploy" in found.found
    assert drift.mend(memory.world(), STAGING) == []
    assert memory.running[STAGING] == memory.candidate("1")
    assert memory.record(STAGING).open is None


def test_a_living_release_is_left_alone(memory: Memory) -> None:
    released(memory, "1")
    memory.alive.add("busy")
    deploy.run(deploy.Params(model_version="2", release="busy"), memory.world())
    other_alias(memory)
    assert drift.owner(memory.world(), STAGING) == "busy"
    changes = memory.fuse.changes
    assert drift.find(memory.world(), STAGING) == []
    assert drift.mend(memory.world(), STAGING) == []
    assert memory.fuse.changes == changes


def unnamed(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    def at(url: str, timeout: float = 0.0) -> Any:
        raise HostUnknown("not asked: the name does not resolve")

    monkeypatch.setattr(memory, "at", at)


def test_what_cannot_be_asked_from_here_is_said_and_not_mended(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    released(memory, "1")
    unnamed(memory, monkeypatch)
    changes = memory.fuse.changes
    (found,) = drift.find(memory.world(), STAGING)
    assert found.kind is Kind.UNREACHABLE
    assert "the name does not resolve" in found.found
    other_deployment(memory)
    moved_tag(memory)
    with pytest.raises(HostUnknown):
        drift.mend(memory.world(), STAGING)
    assert memory.fuse.changes == changes, "changed what it could not look at"


def test_the_step_tells_people_of_what_is_left(memory: Memory) -> None:
    released(memory, "1")
    params = doctor.Params(release="nightly")
    doctor.run(params, memory.world())
    assert memory.messages == []
    no_alias(memory)
    with pytest.raises(doctor.DriftFound, match=r"staging: alias: none; the journal has: version 1"):
        doctor.run(params, memory.world())
    ((summary, lines, _),) = memory.messages
    assert summary == "nightly: 1 not as the journal says"
    assert lines == ["staging: alias: none; the journal has: version 1"]
    doctor.run(doctor.Params(release="nightly", mend=True), memory.world())
    assert memory.alias("staging") == "1"


def test_a_version_that_does_not_come_up_is_said(memory: Memory) -> None:
    released(memory, "1")
    memory.sick.add((STAGING, "1"))
    assert [one.kind for one in drift.find(memory.world(), STAGING)] == [Kind.SERVING]
    with pytest.raises(PlatformError, match=r"does not start.*slipway revert staging"):
        drift.mend(memory.world(), STAGING)
