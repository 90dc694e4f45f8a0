"""The promises of the release's graph, read off the generated YAML."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from slipway_steps.domain.verdict import Gate, Verdict, first_not_pass
from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.catalog import templates
from slipway_workflows.catalog.test_staging import GRAPH_ORDER, VERDICT_ORDER
from slipway_workflows.engine import exprlang
from slipway_workflows.strict_hera import Synchronization

SCHEMAS = PROJECT_ROOT.parent / "shared" / "schemas" / "argo-workflows-4.1.2"
MANIFESTS = sorted((PROJECT_ROOT / "workflows" / "manifests").glob("*.yaml"))


def document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "workflows" / "manifests" / f"{name}.yaml").read_text())
    return loaded


def template(name: str, inner: str) -> dict[str, Any]:
    found: dict[str, Any] = next(t for t in document(name)["spec"]["templates"] if t["name"] == inner)
    return found


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the CRD schemas of Argo Workflows are not beside this checkout")
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_the_api_server_would_accept_it(path: Path) -> None:
    import json

    schema = json.loads((SCHEMAS / "workflowtemplates.json").read_text())
    jsonschema.validate(yaml.safe_load(path.read_text()), schema.get("openAPIV3Schema", schema))


def test_every_gate_is_wired_and_only_gates_are() -> None:
    assert set(GRAPH_ORDER) == set(VERDICT_ORDER) == set(Gate) - {Gate.EVALUATION}
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
    known = {Gate(name): verdict for name, verdict in verdicts.items()} | {Gate.EVALUATION: Verdict.PASS}
    assert exprlang.evaluate(expression, {"steps": steps}) == str(first_not_pass(known))


def test_promotion_and_revert_exclude_each_other() -> None:
    branches = {step["name"]: step["when"] for step in template("test-staging", "main")["steps"][1]}
    passed = '"{{steps.gates.outputs.parameters.verdict}}" == "pass"'
    assert branches["promote"].startswith(f"{passed} && ")
    assert branches["hold"].startswith(f"{passed} && ")
    assert branches["revert"] == passed.replace("==", "!=")


def test_a_rejected_release_has_a_red_last_step() -> None:
    (last,) = template("test-staging", "main")["steps"][-1]
    assert (last["name"], last["when"]) == ("rejected", '"{{steps.gates.outputs.parameters.verdict}}" != "pass"')


def test_a_misspelt_field_of_argo_is_refused() -> None:
    with pytest.raises(ValueError, match="mutex"):
        Synchronization(mutex={"name": "lost"})


def test_containers_are_locked_down() -> None:
    for name in templates():
        for found in document(name)["spec"]["templates"]:
            if "container" in found:
                context = found["container"]["securityContext"]
                assert context["runAsNonRoot"]
                assert context["readOnlyRootFilesystem"]
                assert not context["allowPrivilegeEscalation"]
                assert context["capabilities"] == {"drop": ["ALL"]}
                assert ":latest" not in found["container"]["image"]
