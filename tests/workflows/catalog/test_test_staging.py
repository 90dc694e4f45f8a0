"""The template `test-staging`: its gates, its verdict, and the branch that each verdict takes."""

import pytest
from workflows.catalog.generated import template

from slipway_steps.domain.verdict import PACKAGE_GATES, RELEASE_GATES, Gate, Verdict, first_not_pass
from slipway_workflows.catalog.test_staging import GRAPH_ORDER, VERDICT_ORDER
from slipway_workflows.engine.language import exprlang, govaluate


def test_every_gate_is_wired_and_only_gates_are() -> None:
    assert set(GRAPH_ORDER) == set(VERDICT_ORDER) == {*RELEASE_GATES} - {*PACKAGE_GATES}
    assert [gate for gate in Gate if gate in VERDICT_ORDER] == list(VERDICT_ORDER)
    steps = [step["name"] for group in template("test-staging", "gates")["steps"] for step in group]
    assert steps == list(GRAPH_ORDER)


@pytest.mark.parametrize("integration", list(Verdict))
@pytest.mark.parametrize("resources", list(Verdict))
@pytest.mark.parametrize("load", list(Verdict))
def test_the_expression_says_what_the_domain_says(integration: Verdict, resources: Verdict, load: Verdict) -> None:
    expression = template("test-staging", "gates")["outputs"]["parameters"][0]["valueFrom"]["expression"]
    verdicts = {"integration": integration, "resources": resources, "load": load}
    steps = {name: {"outputs": {"parameters": {"verdict": str(v)}}} for name, v in verdicts.items()}
    known = dict.fromkeys(PACKAGE_GATES, Verdict.PASS) | {Gate(name): verdict for name, verdict in verdicts.items()}
    assert exprlang.evaluate(expression, {"steps": steps}) == str(first_not_pass(known))


def test_promotion_and_revert_exclude_each_other() -> None:
    branches = {step["name"]: step["when"] for step in template("test-staging", "main")["steps"][1]}
    passed = '"{{steps.gates.outputs.parameters.verdict}}" == "pass"'
    assert branches["promote"].startswith(f"{passed} && ")
    assert branches["hold"].startswith(f"{passed} && ")
    assert branches["revert"] == passed.replace("==", "!=")


@pytest.mark.parametrize(
    ("source", "automatic", "taken"),
    [
        ("staging", "true", {"promote"}),
        ("staging", "false", {"hold"}),
        ("canary", "true", {"hold"}),
        ("canary", "false", {"hold"}),
        ("production", "true", {"hold"}),
    ],
)
def test_nothing_goes_to_production_by_itself(source: str, automatic: str, taken: set[str]) -> None:
    tags = {
        "{{steps.gates.outputs.parameters.verdict}}": "pass",
        "{{inputs.parameters.auto-promote}}": automatic,
        "{{inputs.parameters.source-environment}}": source,
    }
    found = set()
    for step in template("test-staging", "main")["steps"][1]:
        when = step["when"]
        for tag, value in tags.items():
            when = when.replace(tag, value)
        if govaluate.evaluate(when):
            found.add(step["name"])
            values = {one["name"]: one["value"] for one in step["arguments"]["parameters"]}
            assert values.get("target-environment", "canary") == "canary"
    assert found == taken


def test_a_rejected_release_has_a_red_last_step() -> None:
    (last,) = template("test-staging", "main")["steps"][-1]
    assert (last["name"], last["when"]) == ("rejected", '"{{steps.gates.outputs.parameters.verdict}}" != "pass"')
