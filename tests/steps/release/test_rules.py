"""What deploy, promote, hold and revert refuse, and where they go back to."""

from typing import Any

import pytest
from steps.release.fakes import Memory

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Broken, PlatformError, Refused, RegistryError
from slipway_steps.domain.journal import Intent, Record
from slipway_steps.domain.verdict import Gate, GateReport, Verdict
from slipway_steps.release import deploy, finish, hold, promote, revert

STAGING, CANARY, PRODUCTION = Environment


def run(memory: Memory, module: Any, **params: Any) -> Any:
    return module.run(module.Params(**params), memory.world())


def released(memory: Memory, version: str) -> None:
    memory.prove(version, release=f"r{version}")
    run(memory, deploy, model_version=version, release=f"r{version}")
    run(memory, promote, model_version=version, release=f"r{version}")


def test_a_living_release_is_named_and_a_dead_one_undone(memory: Memory) -> None:
    released(memory, "1")
    memory.alive.add("other")
    run(memory, deploy, model_version="2", release="other")
    for module, params in (
        (deploy, {"model_version": "3"}),
        (promote, {}),
        (hold, {}),
        (revert, {"model_version": "2"}),
    ):
        with pytest.raises(Refused, match="other"):
            run(memory, module, release="mine", **params)
    memory.alive.clear()
    run(memory, deploy, model_version="3", release="mine")
    record = memory.record(STAGING)
    assert record.open is not None
    assert record.open.before == memory.candidate("1"), "the dead release's version was taken for a good one"
    assert memory.notes["2", "reverted.staging"].startswith("release other died")


def test_an_unhealthy_candidate_is_a_result_and_the_alias_stays(memory: Memory) -> None:
    released(memory, "1")
    memory.sick.add((STAGING, "2"))
    assert run(memory, deploy, model_version="2", release="r").state == deploy.State.UNHEALTHY
    assert memory.alias("staging") == "1"
    assert memory.record(STAGING).current == memory.candidate("2")


def test_revert_goes_to_what_passed_never_to_the_number_below(memory: Memory) -> None:
    released(memory, "1")
    for bad in ("2", "3"):
        memory.prove(bad, Verdict.REJECT, f"r{bad}")
        run(memory, deploy, model_version=bad, release=f"r{bad}")
        run(memory, revert, model_version=bad, release=f"r{bad}", reason="reject")
        assert memory.running[STAGING] == memory.candidate("1")
        assert memory.alias("staging") == "1"
        assert memory.notes[bad, "reverted.staging"] == f"reject (r{bad})"


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.ERROR])
@pytest.mark.parametrize("deployed_again", [False, True])
def test_a_version_that_passed_stays_where_the_gates_could_not_tell(
    memory: Memory, verdict: Verdict, deployed_again: bool
) -> None:
    for version in ("1", "2"):
        released(memory, version)
    if deployed_again:
        run(memory, deploy, model_version="2", release="again")
    run(memory, revert, model_version="2", release="again", reason=verdict, verdict=verdict)
    assert memory.running[STAGING] == memory.candidate("2")
    assert memory.record(STAGING).passed == (memory.candidate("1"), memory.candidate("2"))
    assert memory.record(STAGING).open is None
    assert memory.alias("staging") == "2"
    run(memory, revert, model_version="2", release="later", reason="reject", verdict=Verdict.REJECT)
    assert memory.running[STAGING] == memory.candidate("1")


def test_a_candidate_that_never_passed_goes_whatever_the_gates_could_not_tell(memory: Memory) -> None:
    released(memory, "1")
    run(memory, deploy, model_version="2", release="r2")
    run(memory, revert, model_version="2", release="r2", reason="inconclusive", verdict=Verdict.INCONCLUSIVE)
    assert memory.running[STAGING] == memory.candidate("1")


def test_with_nothing_to_go_back_to_staging_is_emptied(memory: Memory) -> None:
    run(memory, deploy, model_version="1", release="r1")
    run(memory, revert, model_version="1", release="r1", reason="reject")
    assert memory.running[STAGING] is None
    assert memory.alias("staging") is None
    assert memory.record(STAGING).current is None


def test_a_version_that_passed_and_fails_later_is_not_gone_back_to(memory: Memory) -> None:
    for version in ("1", "2"):
        released(memory, version)
    run(memory, revert, release="by-hand-1")
    assert memory.running[STAGING] == memory.candidate("1")
    released(memory, "3")
    run(memory, revert, release="by-hand-2")
    assert memory.running[STAGING] == memory.candidate("1"), "went back to 2, which had failed"


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_promotion_needs_every_gate_of_this_image(memory: Memory, verdict: Verdict) -> None:
    run(memory, deploy, model_version="1", release="r1")
    for proofs in (None, verdict, "other image", "two releases"):
        if isinstance(proofs, Verdict):
            memory.prove("1", proofs)
        elif proofs == "other image":
            memory.prove("1")
            memory.proofs["1"] = [e.model_copy(update={"digest": "sha256:other"}) for e in memory.proofs["1"]]
        elif proofs:
            memory.prove("1")
            memory.proofs["1"][-1] = memory.proofs["1"][-1].model_copy(update={"release": "last week"})
        for module in (promote, hold):
            with pytest.raises(Refused):
                run(memory, module, release="r1")
    assert CANARY not in memory.running


def test_canary_is_never_skipped_and_production_needs_canary(memory: Memory) -> None:
    released(memory, "1")
    with pytest.raises(Refused, match="canary first"):
        run(memory, promote, source_environment="staging", target_environment="production", release="r")
    with pytest.raises(Refused, match="promoted to staging"):
        run(memory, promote, source_environment="canary", target_environment="staging", release="r")
    hop = {"source_environment": "canary", "target_environment": "production", "release": "r"}
    with pytest.raises(Refused, match="needs a person's approval"):
        run(memory, promote, **hop)
    assert PRODUCTION not in memory.running
    run(memory, promote, approved=True, **hop)
    assert memory.running[PRODUCTION] == memory.candidate("1")


def test_what_passed_in_canary_is_held_with_the_way_on(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    released(memory, "1")
    capsys.readouterr()
    run(memory, hold, source_environment="canary", release="r")
    assert "slipway promote --to production" in capsys.readouterr().out


def test_a_candidate_that_does_not_come_up_in_canary_is_put_back(memory: Memory) -> None:
    released(memory, "1")
    memory.prove("2", release="r2")
    memory.sick.add((CANARY, "2"))
    run(memory, deploy, model_version="2", release="r2")
    with pytest.raises(PlatformError, match="as it was before"):
        run(memory, promote, model_version="2", release="r2")
    assert memory.running[CANARY] == memory.candidate("1")
    assert memory.alias("canary") == "1"
    assert memory.record(STAGING).last_good == memory.candidate("2"), "its tests passed in staging"
    assert memory.record(STAGING).open is None


def test_deployed_alone_then_judged(memory: Memory) -> None:
    released(memory, "1")
    run(memory, deploy, model_version="2", release="deploy-alone")
    memory.prove("2", release="test-alone")
    run(memory, promote, release="test-alone")
    assert memory.alias("canary") == "2"


def test_only_staging_is_deployed_to(memory: Memory) -> None:
    with pytest.raises(Refused, match="promote"):
        run(memory, deploy, model_version="1", target_environment="production", release="r")


@pytest.mark.parametrize("environment", list(Environment))
def test_what_passed_is_held_wherever_it_was_judged(memory: Memory, environment: Environment) -> None:
    released(memory, "1")
    run(memory, promote, approved=True, source_environment="canary", target_environment="production", release="p")
    run(memory, hold, source_environment=environment, release="t")
    assert memory.record(environment).current == memory.candidate("1")
    assert memory.record(environment).open is None


def test_finish_undoes_its_own_release_only(memory: Memory) -> None:
    released(memory, "1")
    memory.alive.add("living")
    run(memory, deploy, model_version="2", release="living")
    run(memory, finish, release="another")
    assert memory.running[STAGING] == memory.candidate("2")
    run(memory, finish, release="living")
    assert memory.running[STAGING] == memory.candidate("1")


def test_finish_goes_on_where_one_undo_fails(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    """Staging's former version does not start and canary's journal cannot be read; production is still undone."""
    for version in ("1", "2"):
        released(memory, version)
    run(memory, promote, approved=True, source_environment="canary", target_environment="production", release="p")
    for environment in Environment:
        intent = Intent(release="r", action="deploy", target=memory.candidate("3"), before=memory.candidate("2"))
        memory.records[environment] = memory.record(environment).opened(intent).with_current(memory.candidate("3"))
        memory.running[environment] = memory.candidate("3")
    memory.sick.add((STAGING, "2"))
    read = memory.record

    def record(environment: Environment) -> Record:
        if environment is CANARY:
            raise RegistryError("the journal of canary is damaged", "mend it")
        return read(environment)

    memory.record = record  # type: ignore[method-assign]
    with pytest.raises(Broken, match=r"staging: .* does not start; the journal of canary is damaged"):
        run(memory, finish, release="r", workflow_status="Failed")
    assert memory.running[PRODUCTION] == memory.candidate("2")
    assert read(PRODUCTION).open is None
    assert "canary: the journal of canary is damaged" in capsys.readouterr().out


def test_a_release_is_labelled_with_its_version_and_how_far_it_got(memory: Memory) -> None:
    released(memory, "1")
    report = GateReport(
        gate=Gate.LOAD,
        release="r1",
        candidate=memory.candidate("1"),
        verdict=Verdict.PASS,
        checks=[],
        started_at=0.0,
        finished_at=0.0,
    )
    memory.told["r1"] = [report]
    run(memory, finish, release="r1", workflow_status="Succeeded")
    assert memory.labels == {"r1": {"slipway.dev/model-version": "1", "slipway.dev/environment": "canary"}}
    run(memory, finish, release="a-promotion", workflow_status="Succeeded")
    assert set(memory.labels) == {"r1"}
