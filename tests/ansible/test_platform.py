"""The playbook of the platform, as far as it goes without Helm: what it finds, installs from files, and refuses."""

import pytest
import yaml


def deployment(namespace, name, image, container="c", **env):
    spec = {
        "containers": [{"name": container, "image": image, "env": [{"name": k, "value": v} for k, v in env.items()]}]
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "template": {"spec": spec}},
        "status": {
            "conditions": [{"type": "Available", "status": "True"}],
            "replicas": 1,
            "readyReplicas": 1,
            "availableReplicas": 1,
            "updatedReplicas": 1,
        },
    }


CONTROLLER = deployment("argo", "workflow-controller", "quay.io/argoproj/workflow-controller:v4.1.2", "wc", OTHER="x")
STANDING = [
    CONTROLLER,
    deployment("argocd", "argocd-server", "mirror.example:5000/argoproj/argocd:v3.5.1@sha256:" + "1" * 64),
    deployment("argo-events", "controller-manager", "quay.io/argoproj/argo-events:v1.9.11"),
    {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"}},
]
WITHOUT_CHARTS = {"platform_services_enabled": False, "slipway_chart_enabled": False, "slipway_wait_timeout": 20}


@pytest.fixture(autouse=True)
def namespaces(api):
    api.add(
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in ("argo", "argocd", "argo-events"))
    )


def test_finds_what_stands_and_makes_the_controller_look_soon(api, playbook):
    api.add(*STANDING)
    secret = {"namespace": "slipway", "name": "slipway", "data": {"SLIPWAY_NOTIFY_URL": "https://hook.example/s3cr3t"}}
    variables = WITHOUT_CHARTS | {"secrets_entries": [secret]}
    first = playbook("platform.yml", "--diff", "-vvv", **variables)
    assert first.failed == 0, first.output
    assert "s3cr3t" not in first.output
    assert api.get("Secret", "slipway", "slipway")["data"]
    container = api.get("Deployment", "workflow-controller", "argo")["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "OTHER", "value": "x"}, {"name": "DEFAULT_REQUEUE_TIME", "value": "2s"}]
    for name in ("slipway", "model-app-staging"):
        labels = api.get("Namespace", name)["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert (
        api.get("Namespace", "slipway-build")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        == "privileged"
    )
    writes = list(api.writes)
    second = playbook("platform.yml", **variables)
    assert (second.changed, second.failed) == (0, 0), second.output
    assert api.writes == writes


def test_what_neither_stands_nor_is_named_is_refused(api, playbook):
    run = playbook("platform.yml", "--tags=argo_workflows", **WITHOUT_CHARTS)
    assert run.failed == 1
    said = " ".join(run.output.split())
    assert "Argo Workflows 4.1 is not on the cluster" in said
    assert "Set argo_workflows_manifests" in said
    assert api.writes == []


def test_another_version_is_refused_by_name(api, playbook):
    api.add(deployment("argo", "workflow-controller", "quay.io/argoproj/workflow-controller:v3.6.10"))
    run = playbook("platform.yml", "--tags=argo_workflows", **WITHOUT_CHARTS)
    assert run.failed == 1
    assert "Argo Workflows 3.6.10 stands in namespace argo" in " ".join(run.output.split())
    assert api.writes == []


def test_installs_from_files_with_images_of_a_mirror(api, playbook, tmp_path):
    api.add(*STANDING[1:])
    directory = tmp_path / "mirror" / "argo-workflows"
    directory.mkdir(parents=True)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "argo"}}
    controller = yaml.safe_load(yaml.safe_dump(CONTROLLER))
    controller["spec"]["template"]["spec"]["containers"][0]["args"] = [
        "--executor-image",
        "quay.io/argoproj/argoexec:v4.1.2",
    ]
    (directory / "install.yaml").write_text(yaml.safe_dump_all([controller, account]))
    variables = WITHOUT_CHARTS | {
        "slipway_mirror_directory": str(tmp_path / "mirror"),
        "slipway_image_registry": "mirror.example:5000",
    }
    checked = playbook("platform.yml", "--check", "--tags=argo_workflows", **variables)
    assert checked.failed == 0, checked.output
    assert api.writes == []
    first = playbook("platform.yml", "--tags=argo_workflows", **variables)
    assert first.failed == 0, first.output
    container = api.get("Deployment", "workflow-controller", "argo")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "mirror.example:5000/argoproj/workflow-controller:v4.1.2"
    assert container["args"][1] == "mirror.example:5000/argoproj/argoexec:v4.1.2"
    assert {"name": "DEFAULT_REQUEUE_TIME", "value": "2s"} in container["env"]
    assert api.get("ServiceAccount", "argo", "argo")
    second = playbook("platform.yml", "--tags=argo_workflows", **variables)
    assert (second.changed, second.failed) == (0, 0), second.output


def test_a_missing_storage_class_is_refused(api, playbook):
    run = playbook("platform.yml", "--tags=platform_services")
    assert run.failed == 1
    assert "The cluster has no default storage class" in " ".join(run.output.split())
