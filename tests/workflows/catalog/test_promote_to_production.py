"""The approval that a promotion to production waits for."""

import pytest
from workflows.catalog.generated import document, template

from slipway_workflows.catalog import templates
from slipway_workflows.engine.language import govaluate


@pytest.mark.parametrize(("answer", "promoted"), [("approve", True), ("reject", False), ("banana", False)])
def test_only_the_one_word_approves(answer: str, promoted: bool) -> None:
    promote, rejected = template("promote-to-production", "main")["steps"][2]
    tag = "{{steps.approve.outputs.parameters.decision}}"
    assert govaluate.evaluate(promote["when"].replace(tag, answer)) is promoted
    assert govaluate.evaluate(rejected["when"].replace(tag, answer)) is not promoted


def test_only_a_person_resumes_the_question() -> None:
    """A `duration` would take the default, which is yes; a question that fails has to end the workflow."""
    spec = document("promote-to-production")["spec"]
    assert template("promote-to-production", "approve")["suspend"] == {}
    (asked,) = template("promote-to-production", "main")["steps"][1]
    assert "continueOn" not in asked
    assert "when" not in asked
    assert spec["activeDeadlineSeconds"] == 86400
    assert "synchronization" not in spec


def test_what_was_shown_is_what_is_promoted() -> None:
    """The person may change the fields of the form; only the answer is read."""
    promote = template("promote-to-production", "main")["steps"][2][0]
    values = {one["name"]: one["value"] for one in promote["arguments"]["parameters"]}
    assert values["model-version"] == "{{steps.evidence.outputs.parameters.model-version}}"
    assert (values["source-environment"], values["target-environment"]) == ("canary", "production")


@pytest.mark.parametrize(("answer", "said"), [("none", False), ("nobody answered in time", True)])
def test_the_end_of_an_unanswered_question_is_a_red_step(answer: str, said: bool) -> None:
    spec = document("promote-to-production")["spec"]
    (finish,), (rejected,) = template("promote-to-production", spec["onExit"])["steps"]
    tag = "{{steps.finish.outputs.parameters.answer}}"
    assert finish["template"] == "finish"
    assert govaluate.evaluate(rejected["when"].replace(tag, answer)) is said


def test_only_an_approval_gives_a_persons_word() -> None:
    """Every other reference to promote-model keeps the default of `approved`, with which production refuses."""
    said = {}
    for name in templates():
        for found in document(name)["spec"]["templates"]:
            for step in (step for group in found.get("steps", []) for step in group):
                arguments = {p["name"]: p["value"] for p in step.get("arguments", {}).get("parameters", [])}
                if "approved" in arguments and step.get("templateRef"):
                    said[name, step["name"]] = (arguments["approved"], step.get("when"))
        names = {p["name"] for p in document(name)["spec"]["arguments"]["parameters"]}
        assert name in ("promote-model", "promote-by-canary") or "approved" not in names, name
    approved = '"{{steps.approve.outputs.parameters.decision}}" == "approve"'
    given, passed = "{{inputs.parameters.approved}}", '"{{steps.judge.outputs.parameters.verdict}}" == "pass"'
    assert said == {
        ("promote-to-production", "promote"): ("true", approved),
        ("promote-by-canary", "promote"): (given, passed),
    }
    for name in ("promote-model", "promote-by-canary"):
        (default,) = (p for p in document(name)["spec"]["arguments"]["parameters"] if p["name"] == "approved")
        assert default["value"] == "false"
