"""The playbook of the platform, as far as it goes without Helm: what it finds, installs from files, and refuses."""

import base64
import json

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
    assert container["env"] == [{"name": "OTHER", "value": "x"}, {"name": "DEFAULT_REQUEUE_TIME", "value": "1s"}]
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


LOGIN = {"username": "robot", "password": "s3cr3t", "ca": "-----BEGIN CERTIFICATE-----\nx\n"}


def test_the_login_of_the_registry_is_in_every_namespace_and_never_printed(api, playbook):
    api.add(*STANDING)
    variables = WITHOUT_CHARTS | {"slipway_images": {"registry": "harbor.example:8443/ml"}}
    variables |= {"slipway_registry_login": LOGIN}
    first = playbook("platform.yml", "--diff", "-vvv", "--tags=namespaces,secrets", **variables)
    assert first.failed == 0, first.output
    assert "s3cr3t" not in first.output
    for namespace in ("slipway", "slipway-build", "model-app-staging"):
        secret = api.get("Secret", "slipway-registry", namespace)
        assert secret["type"] == "kubernetes.io/dockerconfigjson"
        data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
        assert data["ca.crt"] == LOGIN["ca"]
        login = json.loads(data[".dockerconfigjson"])["auths"]["harbor.example:8443"]["auth"]
        assert base64.b64decode(login).decode() == "robot:s3cr3t"
    second = playbook("platform.yml", "--tags=namespaces,secrets", **variables)
    assert (second.changed, second.failed) == (0, 0), second.output


def test_a_registry_with_a_certificate_and_no_password(api, playbook):
    api.add(*STANDING)
    run = playbook("platform.yml", "--tags=namespaces,secrets", slipway_registry_login={"ca": "x"}, **WITHOUT_CHARTS)
    assert run.failed == 0, run.output
    secret = api.get("Secret", "slipway-registry", "slipway")
    assert (secret["type"], list(secret["data"])) == ("Opaque", ["ca.crt"])


def settings(**data):
    metadata = {"name": "workflow-controller-configmap", "namespace": "argo"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_argos_own_containers_meet_the_restricted_standard(api, playbook):
    """Templates that are not Slipway's are admitted too, and earlier settings of the controller are kept."""
    api.add(*STANDING, settings(parallelism="10", executor="resources: {requests: {cpu: 10m}}"))
    first = playbook("platform.yml", "--tags=argo_workflows", **WITHOUT_CHARTS)
    assert first.failed == 0, first.output
    data = api.get("ConfigMap", "workflow-controller-configmap", "argo")["data"]
    assert data["parallelism"] == "10"
    executor = yaml.safe_load(data["executor"])
    assert executor["resources"] == {"requests": {"cpu": "10m"}}
    assert executor["securityContext"]["allowPrivilegeEscalation"] is False
    assert executor["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    second = playbook("platform.yml", "--tags=argo_workflows", **WITHOUT_CHARTS)
    assert (second.changed, second.failed) == (0, 0), second.output


def test_a_controller_installed_by_argos_chart_keeps_its_one_key(api, playbook):
    """With any other key beside `config` the controller would not start again."""
    api.add(*STANDING, settings(config="parallelism: 10"))
    run = playbook("platform.yml", "--tags=argo_workflows", **WITHOUT_CHARTS)
    assert run.failed == 0, run.output
    assert api.get("ConfigMap", "workflow-controller-configmap", "argo")["data"] == {"config": "parallelism: 10"}


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
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "workflows.argoproj.io", "creationTimestamp": None},
        "spec": {"group": "argoproj.io"},
    }
    (directory / "install.yaml").write_text(yaml.safe_dump_all([controller, account, definition]))
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
    assert {"name": "DEFAULT_REQUEUE_TIME", "value": "1s"} in container["env"]
    assert api.get("ServiceAccount", "argo", "argo")
    # what a server and its controllers add by themselves is no change
    api.get("CustomResourceDefinition", "workflows.argoproj.io")["status"] = {"storedVersions": ["v1alpha1"]}
    second = playbook("platform.yml", "--tags=argo_workflows", **variables)
    assert (second.changed, second.failed) == (0, 0), second.output


def test_a_missing_storage_class_is_refused(api, playbook):
    run = playbook("platform.yml", "--tags=platform_services")
    assert run.failed == 1
    assert "The cluster has no default storage class" in " ".join(run.output.split())


def waiting(reason, message="", **more):
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    return {"name": "server", "ready": False, "state": state, "lastState": {}, **more}


def pod(name, *containers):
    spec = {"containers": [{"name": one["name"], "image": "i"} for one in containers]}
    status = {"phase": "Running", "containerStatuses": list(containers)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": spec,
        "status": status,
    }


def test_a_wait_that_fails_says_which_pod_and_why(api, playbook, tmp_path):
    directory = tmp_path / "mirror" / "argo-cd"
    directory.mkdir(parents=True)
    server = deployment("argocd", "argocd-server", "quay.io/argoproj/argocd:v3.5.1")
    (directory / "install.yaml").write_text(yaml.safe_dump({key: server[key] for key in server if key != "status"}))
    failed = waiting("CrashLoopBackOff", "back-off 10s", lastState={"terminated": {"exitCode": 1}})
    api.add(
        pod("argocd-server-1", waiting("CreateContainerConfigError", 'secret "argocd-redis" not found')),
        pod("argocd-repo-server-1", failed),
        pod("argocd-redis-1", {"name": "redis", "ready": True, "state": {"running": {}}}),
    )
    api.logs["argocd-repo-server-1"] = "starting\npanic: no gpg keyring\n"
    variables = WITHOUT_CHARTS | {"slipway_mirror_directory": str(tmp_path / "mirror"), "slipway_wait_timeout": 2}
    run = playbook("platform.yml", "--tags=argo_cd", **variables)
    assert run.failed == 1
    said = " ".join(run.output.split()).replace("\\", "")
    assert "Argo CD is not ready after 2 s" in said
    assert 'pod argocd/argocd-server-1, container server: CreateContainerConfigError: secret "argocd-redis" not' in said
    assert "CrashLoopBackOff: back-off 10s; its log ends with: panic: no gpg keyring" in said
    assert "argocd-redis-1" not in said.split("is not ready after")[1]


def test_a_dry_run_of_an_empty_cluster_goes_through(api, playbook):
    api.add(*STANDING)
    secret = {"namespace": "slipway", "name": "slipway", "data": {"SLIPWAY_NOTIFY_URL": "https://hook.example/s3cr3t"}}
    run = playbook("platform.yml", "--check", **WITHOUT_CHARTS, secrets_entries=[secret])
    assert run.failed == 0, run.output
    assert api.writes == []
