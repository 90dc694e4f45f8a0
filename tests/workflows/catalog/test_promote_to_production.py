"""The approval that a promotion to production waits for."""

import pytest
from workflows.catalog.generated import document, template

from slipway_workflows.catalog import templates
from slipway_workflows.engine.language import govaluate


@pytest.mark.parametrize(("answer", "promoted"), [("approve", True), ("reject", False), ("banana", False)])
def test_only_the_one_word_approves(answer: str, promoted: bool) -> None:
    promote, rejected = template("promote-to-production", "main")["steps"][1]
    tag = "{{steps.approve.outputs.parameters.decision}}"
    assert govaluate.evaluate(promote["when"].replace(tag, answer)) is promoted
    assert govaluate.evaluate(rejected["when"].replace(tag, answer)) is not promoted


def test_an_unanswered_approval_rejects_after_a_day() -> None:
    ask = template("promote-to-production", "approve")
    assert ask["suspend"] == {"duration": "24h"}
    assert ask["outputs"]["parameters"] == [{"name": "decision", "valueFrom": {"default": "reject", "supplied": {}}}]
    assert "synchronization" not in document("promote-to-production")["spec"]


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
        assert name == "promote-model" or "approved" not in names, name
    approved = '"{{steps.approve.outputs.parameters.decision}}" == "approve"'
    assert said == {("promote-to-production", "promote"): ("true", approved)}
    (default,) = (p for p in document("promote-model")["spec"]["arguments"]["parameters"] if p["name"] == "approved")
    assert default["value"] == "false"
