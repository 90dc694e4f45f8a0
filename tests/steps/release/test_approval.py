"""The steps around the question to a person: what it shows, and what is said when the answer is not yes."""

import dataclasses
from typing import Any

import pytest
from steps.domain.test_approval import LATE, STOP, failures
from steps.release.fakes import Memory

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict
from slipway_steps.release import deploy, evidence, finish, promote, rejected


def run(memory: Memory, module: Any, **params: Any) -> Any:
    return module.run(module.Params(**params), memory.world())


def report(memory: Memory, gate: Gate, verdict: Verdict, check: Check) -> GateReport:
    return GateReport(
        gate=gate,
        candidate=memory.candidate("1"),
        release="r1",
        verdict=verdict,
        checks=[check],
        started_at=0.0,
        finished_at=1.0,
    )


def in_canary(memory: Memory, version: str = "1") -> None:
    memory.prove(version, release=f"r{version}")
    run(memory, deploy, model_version=version, release=f"r{version}")
    run(memory, promote, model_version=version, release=f"r{version}")


P95 = Check(code="p95", verdict=Verdict.PASS, message="fast {{enough}}", measured=41.0, threshold=2000.0, unit="ms")


def test_who_approves_sees_version_image_measurements_and_links(memory: Memory) -> None:
    in_canary(memory)
    words = Check(code="labels", verdict=Verdict.PASS, message="all {{labels}}\nare right")
    memory.told["r1"] = [
        report(memory, Gate.LOAD, Verdict.PASS, P95),
        report(memory, Gate.EVALUATION, Verdict.PASS, words).model_copy(
            update={"candidate": Candidate(version="", digest="")}
        ),
    ]
    before = dict(memory.records)
    world = memory.world()
    settings = {"argo_url": "https://argo.example", "mlflow_url": "https://mlflow.example"}
    world = dataclasses.replace(world, settings=world.settings.model_copy(update=settings))
    found = evidence.run(evidence.Params(release="p"), world)
    assert (found.model_version, found.digest) == ("1", memory.candidate("1").digest)
    assert found.replaces == "nothing"
    assert found.load == "pass: p95 41 ms, limit 2000 ms"
    assert found.evaluation == "pass: all { {labels}} are right", "Argo would fill in a tag, or fail"
    assert found.integration == "pass"
    assert found.links == (
        "https://argo.example/workflows/slipway/r1 https://mlflow.example/#/models/model-app/versions/1"
    )
    assert memory.records == before


@pytest.mark.parametrize(("version", "verdict"), [("", Verdict.REJECT), ("2", Verdict.PASS)])
def test_nobody_is_asked_for_what_would_be_refused(memory: Memory, version: str, verdict: Verdict) -> None:
    with pytest.raises(Refused, match="canary serves nothing"):
        run(memory, evidence, release="p")
    in_canary(memory)
    memory.prove("1", verdict)
    with pytest.raises(Refused):
        run(memory, evidence, model_version=version, release="p")


@pytest.mark.parametrize(
    ("failed", "answer", "said"),
    [
        (failures(approve=STOP), "rejected by a person", "rejected by a person"),
        (failures(approve=LATE), "nobody answered in time", "nobody answered in time"),
        (failures(rejected="main: Error (exit code 2): rejected by a person"), "none", "rejected by a person"),
        (failures(train="main: Error (exit code 1)"), "none", "Failed"),
    ],
)
def test_the_message_says_in_words_what_became_of_the_question(
    memory: Memory, failed: str, answer: str, said: str
) -> None:
    found = run(memory, finish, release="r", workflow_status="Failed", workflow_failures=failed)
    assert found.answer == answer
    assert [summary for summary, _, _ in memory.messages] == [f"r: {said}"]


def test_a_gate_is_named_only_where_one_has_spoken(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(rejected.ReleaseRejected) as person:
        run(memory, rejected, reason="rejected by a person", release="r1")
    assert str(person.value) == "r1 was not promoted: rejected by a person"
    with pytest.raises(rejected.ReleaseRejected) as broken:
        run(memory, rejected, verdict="error", release="r1")
    assert "no gate rejected it" in str(broken.value)
    slow = P95.model_copy(update={"verdict": Verdict.REJECT, "measured": 4012.0})
    full = Check(code="oom-killed", verdict=Verdict.REJECT, message="a pod was killed")
    memory.told["r1"] = [
        report(memory, Gate.LOAD, Verdict.REJECT, slow),
        report(memory, Gate.RESOURCES, Verdict.REJECT, full),
    ]
    with pytest.raises(rejected.ReleaseRejected, match="reject by resources: a pod was killed"):
        run(memory, rejected, verdict="reject", release="r1")
    assert "load: reject: fast" in capsys.readouterr().out
