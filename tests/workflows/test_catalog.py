"""The promises of the release's graph, read off the generated YAML."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from slipway_steps.domain.errors import Broken, Refused
from slipway_steps.domain.verdict import Gate, Verdict, first_not_pass
from slipway_steps.entry import STEPS
from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.catalog import rbac, templates
from slipway_workflows.catalog.test_staging import GRAPH_ORDER, VERDICT_ORDER
from slipway_workflows.engine.language import exprlang, govaluate
from slipway_workflows.step import service_account_of
from slipway_workflows.strict_hera import Synchronization

SCHEMAS = PROJECT_ROOT.parent / "shared" / "schemas" / "argo-workflows-4.1.2"
MANIFESTS = sorted((PROJECT_ROOT / "workflows" / "manifests").glob("*.yaml"))


def document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "workflows" / "manifests" / f"{name}.yaml").read_text())
    return loaded


def template(name: str, inner: str) -> dict[str, Any]:
    found: dict[str, Any] = next(t for t in document(name)["spec"]["templates"] if t["name"] == inner)
    return found


KINDS = {"WorkflowTemplate": "workflowtemplates", "CronWorkflow": "cronworkflows"}
EVENTS = SCHEMAS.parent / "argo-events-1.9.11" / "schema.json"
ALL = [yaml.safe_load(path.read_text()) for path in MANIFESTS]


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the CRD schemas of Argo Workflows are not beside this checkout")
@pytest.mark.parametrize("manifest", [one for one in ALL if one["kind"] in KINDS], ids=lambda m: m["metadata"]["name"])
def test_the_api_server_would_accept_it(manifest: dict[str, Any]) -> None:
    schema = json.loads((SCHEMAS / f"{KINDS[manifest['kind']]}.json").read_text())
    jsonschema.validate(manifest, schema.get("openAPIV3Schema", schema))


@pytest.mark.skipif(not EVENTS.exists(), reason="the schema of Argo Events is not beside this checkout")
@pytest.mark.parametrize("kind", ["EventBus", "EventSource", "Sensor"])
def test_argo_events_would_accept_it(kind: str) -> None:
    schema = json.loads(EVENTS.read_text())
    (manifest,) = (one for one in ALL if one["kind"] == kind)
    name = next(key for key in schema["definitions"] if key.endswith(f".{kind}"))
    jsonschema.validate(manifest, {**schema, "$ref": f"#/definitions/{name}"})


@pytest.mark.parametrize("manifest", ALL, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}")
def test_it_survives_yaml(manifest: dict[str, Any]) -> None:
    assert yaml.safe_load(yaml.safe_dump(manifest)) == manifest


def test_what_starts_a_release_by_itself_takes_its_lock() -> None:
    """The release lock is the spec's: it counts for workflowTemplateRef, not for a nested templateRef."""
    cron = document("cron-train")["spec"]
    assert cron["workflowSpec"]["workflowTemplateRef"] == {"name": "release-model"}
    assert (cron["schedules"], cron["concurrencyPolicy"]) == (["0 2 * * *"], "Forbid")
    workflow = sensor_workflow()
    assert workflow["spec"]["workflowTemplateRef"] == {"name": "release-model"}
    assert document("release-model")["spec"]["synchronization"]["mutexes"] == [{"name": "release-staging"}]


def sensor_workflow() -> dict[str, Any]:
    (trigger,) = document("sensor-release-on-push")["spec"]["triggers"]
    found: dict[str, Any] = trigger["template"]["k8s"]["source"]["resource"]
    return found


def at(value: Any, path: str) -> Any:
    """A dotted path as Argo Events reads it."""
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value.get(part, "")
    return value


def passes(event: dict[str, Any]) -> bool:
    (dependency,) = document("sensor-release-on-push")["spec"]["dependencies"]
    return all(str(at(event, f["path"])).lower() in f["value"] for f in dependency["filters"]["data"])


def push(**body: Any) -> dict[str, Any]:
    payload = json.loads((PROJECT_ROOT / "docs" / "github-push.json").read_text())
    return {"headers": {"X-Github-Event": ["push"]}, "body": payload | body}


def test_only_a_push_to_main_starts_a_release() -> None:
    assert passes(push())
    assert not passes(push(ref="refs/heads/feature"))
    assert not passes(push(deleted=True))
    assert not passes(push() | {"headers": {"X-Github-Event": ["ping"]}})


def test_the_release_is_named_after_the_commit_and_gets_it() -> None:
    (trigger,) = document("sensor-release-on-push")["spec"]["triggers"]
    name, revision = trigger["template"]["k8s"]["parameters"]
    commit = at(push(), name["src"]["dataKey"])
    assert (name["dest"], name["operation"]) == ("metadata.name", "append")
    assert len(sensor_workflow()["metadata"]["name"] + commit) <= 63
    assert revision["dest"] == "spec.arguments.parameters.0.value"
    assert sensor_workflow()["spec"]["arguments"]["parameters"][0]["name"] == "revision"
    assert any(p["name"] == "revision" for p in document("release-model")["spec"]["arguments"]["parameters"])


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


ROLES = [one for one in ALL if one["kind"] == "Role"]


@pytest.mark.parametrize("role", ROLES, ids=lambda r: f"{r['metadata']['namespace']}-{r['metadata']['name']}")
def test_no_role_is_wide(role: dict[str, Any]) -> None:
    for rule in role["rules"]:
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert "secrets" not in rule["resources"]
    assert {one["kind"] for one in ALL}.isdisjoint({"ClusterRole", "ClusterRoleBinding"})


CORE = [one for one in ALL if "argoproj.io" not in one["apiVersion"]]


@pytest.mark.parametrize("manifest", CORE, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}")
def test_kubernetes_would_accept_it(manifest: dict[str, Any]) -> None:
    reason = "kubernetes-validate is not installed (pip install -e .[platform])"
    validator = pytest.importorskip("kubernetes_validate", reason=reason)
    validator.validate(manifest, "1.34", strict=True)


def test_every_step_has_its_account_and_every_account_exists() -> None:
    accounts = {one["metadata"]["name"] for one in ALL if one["kind"] == "ServiceAccount"}
    used = {
        found["serviceAccountName"]
        for name in templates()
        for found in document(name)["spec"]["templates"]
        if "container" in found
    }
    assert used == {service_account_of(step) for step in STEPS}
    assert used | {document("build-images")["spec"]["templates"][1]["serviceAccountName"]} <= accounts
    for binding in (one for one in ALL if one["kind"] == "RoleBinding"):
        assert {subject["name"] for subject in binding["subjects"]} <= accounts


def test_the_table_of_rights_is_the_roles() -> None:
    page = (PROJECT_ROOT / "docs" / "security.md").read_text()
    assert rbac.table() in page


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


@pytest.mark.parametrize(
    ("target", "automatic", "taken"),
    [
        ("canary", "true", {"promote"}),
        ("canary", "false", {"hold"}),
        ("production", "true", {"hold"}),
        ("production", "false", {"hold"}),
        ("anything", "true", {"promote"}),
    ],
)
def test_nothing_goes_to_production_by_itself(target: str, automatic: str, taken: set[str]) -> None:
    tags = {
        "{{steps.gates.outputs.parameters.verdict}}": "pass",
        "{{inputs.parameters.auto-promote}}": automatic,
        "{{inputs.parameters.target-environment}}": target,
    }
    found = set()
    for step in template("test-staging", "main")["steps"][1]:
        when = step["when"]
        for tag, value in tags.items():
            when = when.replace(tag, value)
        found |= {step["name"]} if govaluate.evaluate(when) else set()
    assert found == taken


def test_only_an_approval_gives_a_persons_word() -> None:
    """Whatever else refers to promote-model leaves its default, which production refuses."""
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


def test_a_rejected_release_has_a_red_last_step() -> None:
    (last,) = template("test-staging", "main")["steps"][-1]
    assert (last["name"], last["when"]) == ("rejected", '"{{steps.gates.outputs.parameters.verdict}}" != "pass"')


def test_a_misspelt_field_of_argo_is_refused() -> None:
    with pytest.raises(ValueError, match="mutex"):
        Synchronization(mutex={"name": "lost"})


def test_pods_of_argo_events_are_restricted_too() -> None:
    """The namespace refuses any other, and Argo Events sets nothing by itself."""
    pods = [one["spec"]["template"] for one in ALL if one["kind"] in ("EventSource", "Sensor")]
    bus = next(one for one in ALL if one["kind"] == "EventBus")["spec"]["jetstream"]
    contexts = [pod["container"]["securityContext"] for pod in pods]
    contexts += [bus[f"{name}ontainerTemplate"]["securityContext"] for name in ("c", "metricsC", "reloaderC")]
    for pod in (*pods, bus):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for context in contexts:
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_people_find_workflows_by_what_they_were_started_with() -> None:
    found = {}
    for name in templates():
        for label, source in (document(name)["spec"]["workflowMetadata"].get("labelsFrom") or {}).items():
            parameters = {"model-version": "7", "target-environment": "canary"}
            value = exprlang.evaluate(source["expression"], {"workflow": {"parameters": parameters}})
            found[name, label.removeprefix("slipway.dev/")] = value
    assert found["promote-model", "model-version"] == "7"
    assert found["revert-model", "environment"] == "canary"
    assert {name for name, label in found if label == "model-version"} >= {"test-staging", "promote-to-production"}


def test_only_breakage_is_retried() -> None:
    for name in templates():
        for found in document(name)["spec"]["templates"]:
            if "container" in found:
                strategy = found["retryStrategy"]
                assert int(strategy["limit"]) == 2
                for status, code, again in (
                    ("Error", "-1", True),
                    ("Failed", str(Broken.exit_code), True),
                    ("Failed", str(Refused.exit_code), False),
                    ("Failed", "2", False),
                    ("Failed", "143", False),
                ):
                    known = {"lastRetry": {"status": status, "exitCode": code}}
                    assert exprlang.evaluate(strategy["expression"], known) is again, (status, code)


def test_our_images_are_built_apart_and_from_parameters_only() -> None:
    manifest = document("build-images")
    assert manifest["metadata"]["namespace"] == "slipway-build"
    image = template("build-images", "image")
    assert image["container"]["command"] == ["buildctl-daemonless.sh"]
    assert image["container"]["image"].endswith("-rootless")
    context = image["container"]["securityContext"]
    assert context["runAsUser"] == 1000
    assert "privileged" not in context
    built = [
        step["arguments"]["parameters"][-1]["value"]
        for group in manifest["spec"]["templates"][0]["steps"]
        for step in group
    ]
    assert sorted(built) == sorted(path.parent.name for path in (PROJECT_ROOT / "images").glob("*/Dockerfile"))
    names = {one["name"] for one in image["inputs"]["parameters"]}
    text = " ".join(image["container"]["args"])
    assert {f"{{{{inputs.parameters.{name}}}}}" for name in names} <= set(re.findall(r"{{[^}]+}}", text))
    arguments = {
        line for path in (PROJECT_ROOT / "images").glob("*/Dockerfile") for line in path.read_text().splitlines()
    }
    for name in re.findall(r"build-arg:(\w+)=", text):
        assert name == "SOURCE_DATE_EPOCH" or any(line.startswith(f"ARG {name}=") for line in arguments), name


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
