"""Every pod of the templates is admitted where the namespace enforces the Pod Security Standard `restricted`."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from argo_pod import step_pod
from kube_api_server import KubeApi
from pod_resources import invalid
from pod_security import refusal, violations
from yaml_files import document

from slipway_steps.settings import PROJECT_ROOT

MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"
EXECUTOR = PROJECT_ROOT / "charts" / "argo-workflows-values.yaml"


def pod_templates() -> Iterator[Any]:
    """Spec and template of everything that becomes a pod, as the user gets it."""
    for path in sorted(MANIFESTS.glob("*.yaml")):
        manifest = document(path)
        if manifest["kind"] == "WorkflowTemplate":
            for template in manifest["spec"]["templates"]:
                if not {"steps", "dag", "suspend"} & set(template):
                    yield pytest.param(manifest["spec"], template, id=f"{path.stem}-{template['name']}")


ALL = list(pod_templates())
RESTRICTED = [one for one in ALL if one.id != "build-images-image"]


@pytest.mark.parametrize(("spec", "template"), RESTRICTED)
def test_a_pod_of_its_own_workflow_is_admitted(spec: dict[str, Any], template: dict[str, Any]) -> None:
    assert refusal(template["name"], step_pod(spec, template)) is None


@pytest.mark.parametrize(("spec", "template"), RESTRICTED)
def test_a_pod_of_somebody_elses_workflow_is_admitted(spec: dict[str, Any], template: dict[str, Any]) -> None:
    """A workflow that uses a template by templateRef has its own spec, so the template alone must satisfy admission."""
    assert refusal(template["name"], step_pod({}, template)) is None


def test_only_buildkit_itself_is_not_restricted() -> None:
    """BuildKit needs a user namespace. Argo's own containers in the same pod need none and stay restricted."""
    (spec, template) = next(one.values for one in ALL if one.id == "build-images-image")
    for caller in (spec, {}):
        found = violations(step_pod(caller, template))
        assert found
        assert not [words for words in found if '"init"' in words or '"wait"' in words], found


def test_every_workflow_says_how_its_pods_are_secured() -> None:
    specs = {path.stem: document(path) for path in MANIFESTS.glob("*.yaml")}
    for name, manifest in specs.items():
        if manifest["kind"] == "WorkflowTemplate":
            context = manifest["spec"]["securityContext"]
            assert context["runAsNonRoot"], name
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name


def test_the_controllers_own_setting_cures_a_foreign_template() -> None:
    """A template that knows nothing of Pod Security beyond its own container."""
    container = {
        "image": "busybox",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
    template = {"name": "x", "container": container}
    assert refusal("p", step_pod(spec, template)) == (
        'pods "p" is forbidden: violates PodSecurity "restricted:latest": '
        'allowPrivilegeEscalation != false (containers "init", "wait" must set '
        "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities "
        '(containers "init", "wait" must set securityContext.capabilities.drop=["ALL"])'
    )
    executor = document(EXECUTOR)["executor"]
    assert refusal("p", step_pod(spec, template, executor={"securityContext": executor["securityContext"]})) is None


TRAINING = [one for one in ALL if one.id.startswith("train-model-") and not one.id.endswith("register")]


@pytest.mark.parametrize(("spec", "template"), TRAINING)
@pytest.mark.parametrize("given", [{}, {"cpu-request": "1000", "memory-request": "6Gi"}, {"memory-request": "512Mi"}])
def test_requests_of_training_are_parameters(
    spec: dict[str, Any], template: dict[str, Any], given: dict[str, str]
) -> None:
    """The memory that is asked for is the limit as well; processor time has no limit."""
    pod = step_pod(spec, template, given)
    (main,) = (one for one in pod["containers"] if one["name"] == "main")
    memory = given.get("memory-request", "2Gi")
    assert main["resources"] == {
        "requests": {"cpu": given.get("cpu-request", "100m"), "memory": memory},
        "limits": {"memory": memory},
    }
    assert refusal("train", pod) is None
    assert invalid("train", pod) is None


@pytest.mark.parametrize(("spec", "template"), ALL)
def test_no_pod_asks_for_more_than_its_limits(spec: dict[str, Any], template: dict[str, Any]) -> None:
    assert invalid(template["name"], step_pod(spec, template)) is None


@pytest.mark.parametrize(("spec", "template"), TRAINING)
def test_a_request_cannot_become_another_part_of_the_pod(spec: dict[str, Any], template: dict[str, Any]) -> None:
    value = '1"}}}], "serviceAccountName": "slipway-promote", "x": [{"y": {"z": {"w": "'
    pod = step_pod(spec, template, {"cpu-request": value})
    assert pod["serviceAccountName"] == template["serviceAccountName"]
    assert pod["containers"][-1]["resources"]["requests"]["cpu"] == value


TRAIN = [one for one in TRAINING if one.id == "train-model-train"]


def mounts(pod: dict[str, Any]) -> dict[str, Any]:
    """Path in the training's container -> the volume that is mounted there."""
    (main,) = (one for one in pod["containers"] if one["name"] == "main")
    volumes = {one["name"]: {key: value for key, value in one.items() if key != "name"} for one in pod["volumes"]}
    return {one["mountPath"]: (volumes[one["name"]], one.get("readOnly", False)) for one in main["volumeMounts"]}


@pytest.mark.parametrize(("spec", "template"), TRAIN)
@pytest.mark.parametrize("claim", ["", "food-11", 'x"},"hostPath":{"path":"/"'])
@pytest.mark.parametrize("key", ["", "datasets/food-11.tgz"])
def test_data_reach_training_by_a_claim_or_an_artifact(
    spec: dict[str, Any], template: dict[str, Any], claim: str, key: str
) -> None:
    pod = step_pod(spec, template, {"data-claim": claim, "data-key": key})
    found = mounts(pod)
    volume = {"persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
    assert found.get("/data") == ((volume, True) if claim else None)
    assert ("/artifact" in found) is bool(key)
    assert "/tmp" in found
    assert refusal("train", pod) is None


@pytest.mark.parametrize(("_spec", "template"), ALL)
def test_a_pod_that_no_node_takes_is_given_up(_spec: dict[str, Any], template: dict[str, Any]) -> None:
    """`activeDeadlineSeconds` does not run while a pod is Pending, and the workflow keeps its mutex meanwhile."""
    assert template["pendingTimeout"] == "10m"


@pytest.mark.parametrize(("enforced", "status"), [("restricted", 403), ("privileged", 201)])
def test_the_test_server_admits_as_a_cluster_does(enforced: str, status: int) -> None:
    """A pod without podSpecPatch is refused where the namespace enforces `restricted`; one with it is created."""
    api = KubeApi()
    labels = {"pod-security.kubernetes.io/enforce": enforced}
    api.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "slipway", "labels": labels}})
    url = f"http://127.0.0.1:{api.server.server_port}/api/v1/namespaces/slipway/pods"

    def made(name: str, template: dict[str, Any], spec: dict[str, Any]) -> requests.Response:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": step_pod(spec, template)}
        return requests.post(url, json=pod, timeout=10)

    try:
        for number, one in enumerate(RESTRICTED):
            spec, template = one.values
            bare = {key: value for key, value in template.items() if key != "podSpecPatch"}
            assert made(f"p-{number}", template, spec).status_code == 201, one.id
            assert made(f"q-{number}", bare, spec).status_code == status, one.id
    finally:
        api.close()


def test_the_test_server_refuses_a_pod_that_asks_for_more_than_its_limit() -> None:
    api = KubeApi()
    api.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "slipway"}})
    resources = {"requests": {"cpu": "1000", "memory": "6Gi"}, "limits": {"cpu": "1k", "memory": "4Gi"}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "main", "resources": resources}]},
    }
    try:
        url = f"http://127.0.0.1:{api.server.server_port}/api/v1/namespaces/slipway/pods"
        answer = requests.post(url, json=pod, timeout=10)
    finally:
        api.close()
    assert (answer.status_code, answer.json()["reason"], answer.json()["message"]) == (
        422,
        "Invalid",
        'Pod "p" is invalid: spec.containers[0].resources.requests: Invalid value: "6Gi": '
        "must be less than or equal to memory limit of 4Gi",
    )
