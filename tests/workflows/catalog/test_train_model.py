"""The template `train-model`: its gates on the packaged model, their verdict, and what is registered."""

import pytest
from workflows.catalog.generated import template

from slipway_steps.domain.verdict import PACKAGE_GATES, Gate, Verdict, first_not_pass
from slipway_workflows.engine.language import exprlang, govaluate


def steps() -> dict[str, dict[str, str]]:
    return {step["name"]: step for group in template("train-model", "main")["steps"] for step in group}


def test_the_gates_on_the_package_come_before_it_is_registered() -> None:
    assert list(steps()) == ["train", "evaluate", "handler", "register"]
    assert [*PACKAGE_GATES] == [Gate.EVALUATION, Gate.HANDLER]


def runs(step: str, evaluation: str, handler: str) -> bool:
    when = steps()[step]["when"]
    for name, verdict in (("evaluate", evaluation), ("handler", handler)):
        when = when.replace(f"{{{{steps.{name}.outputs.parameters.verdict}}}}", verdict)
    assert "{{" not in when
    return govaluate.evaluate(when)


@pytest.mark.parametrize("evaluation", list(Verdict))
def test_only_what_the_evaluation_passed_has_its_handler_tested(evaluation: Verdict) -> None:
    assert runs("handler", evaluation, "error") is (evaluation is Verdict.PASS)


@pytest.mark.parametrize("evaluation", list(Verdict))
@pytest.mark.parametrize("handler", list(Verdict))
def test_the_verdict_is_the_first_that_is_not_pass(evaluation: Verdict, handler: Verdict) -> None:
    output = template("train-model", "main")["outputs"]["parameters"][0]
    assert output["globalName"] == "verdict"
    said = {"evaluate": evaluation, "handler": handler}
    given = {name: {"outputs": {"parameters": {"verdict": str(verdict)}}} for name, verdict in said.items()}
    found = exprlang.evaluate(output["valueFrom"]["expression"], {"steps": given})
    known = dict.fromkeys(Gate, Verdict.PASS) | {Gate.EVALUATION: evaluation, Gate.HANDLER: handler}
    assert found == str(first_not_pass(known))
    assert runs("register", evaluation, handler) is (found == "pass")


def test_a_registered_version_gets_the_evidence_later() -> None:
    (handler,), (rejected,) = template("test-handler", "main")["steps"]
    given = {one["name"]: one["value"] for one in handler["arguments"]["parameters"]}
    assert (given["run-id"], given["model-version"]) == ("", "{{inputs.parameters.model-version}}")
    assert rejected["when"] == '"{{steps.handler.outputs.parameters.verdict}}" != "pass"'
    (version, *others) = template("test-handler", "main")["inputs"]["parameters"]
    assert version["name"] == "model-version"
    assert "value" not in version, "nobody tests a version that was not named"
    assert {"handler-accept-types", "handler-memory-mib", "memory-request"} <= {one["name"] for one in others}
