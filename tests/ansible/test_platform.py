"""The playbook of the platform, as far as it goes without Helm: what it finds, installs from files, and refuses."""

import base64
import copy
import json
from dataclasses import dataclass

import pytest
import yaml
from ansible_runs import Playbooks, Run, namespaces


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
LOGIN = {"username": "robot", "password": "s3cr3t", "ca": "-----BEGIN CERTIFICATE-----\nx\n"}
NOTIFY = {"namespace": "slipway", "name": "slipway", "data": {"SLIPWAY_NOTIFY_URL": "https://hook.example/s3cr3t"}}
FOUND = WITHOUT_CHARTS | {
    "secrets_entries": [NOTIFY],
    "slipway_images": {"registry": "harbor.example:8443/ml"},
    "slipway_registry_login": LOGIN,
}


def settings(**data):
    metadata = {"name": "workflow-controller-configmap", "namespace": "argo"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def release_of_argo():
    """The manifests of a release of Argo Workflows, in little."""
    controller = copy.deepcopy(CONTROLLER)
    arguments = ["--executor-image", "quay.io/argoproj/argoexec:v4.1.2"]
    controller["spec"]["template"]["spec"]["containers"][0]["args"] = arguments
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "argo"}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "workflows.argoproj.io", "creationTimestamp": None},
        "spec": {"group": "argoproj.io"},
    }
    return yaml.safe_dump_all([controller, account, definition])


@dataclass
class Played:
    """A dry run for the cluster `mirror`, where Argo Workflows comes from files; then two runs for `found`, where the
    parts are, and `mirror`. `writes`: what `found` was told by the first of them.
    """

    playbooks: Playbooks
    checked: Run
    writes_of_check: list[str]
    first: Run
    writes: list[str]
    second: Run


@pytest.fixture(scope="module")
def played(clusters, tmp_path_factory):
    mirror = tmp_path_factory.mktemp("mirror")
    (mirror / "argo-workflows").mkdir()
    (mirror / "argo-workflows" / "install.yaml").write_text(release_of_argo())
    mirrored = {"slipway_mirror_directory": str(mirror), "slipway_image_registry": "mirror.example:5000"}
    playbooks = clusters(
        {
            "found": FOUND,
            "mirror": WITHOUT_CHARTS | mirrored | {"secrets_entries": [NOTIFY]},
        }
    )
    found, mirror_api = playbooks.apis.values()
    for api in playbooks.apis.values():
        namespaces(api, "argo", "argocd", "argo-events")
        api.add(*STANDING[1:])
    found.add(CONTROLLER, settings(parallelism="10", executor="resources: {requests: {cpu: 10m}}"))
    checked = playbooks("platform.yml", "--check", "--limit=mirror")
    checked_writes = list(mirror_api.writes)
    first = playbooks("platform.yml", "--diff", "-vvv", "--limit=found,mirror")
    writes = list(found.writes)
    if first.failed["mirror"] == 0:
        # what a server and its controllers add by themselves is no change
        definition = mirror_api.get("CustomResourceDefinition", "workflows.argoproj.io")
        definition["status"] = {"storedVersions": ["v1alpha1"]}
    second = playbooks("platform.yml", "--limit=found,mirror")
    return Played(playbooks, checked, checked_writes, first, writes, second)


@pytest.fixture
def found(played):
    assert played.first.failed["found"] == 0, played.first.output
    return played.playbooks.apis["found"]


def test_finds_what_stands_and_makes_the_controller_look_soon(played, found):
    assert "s3cr3t" not in played.first.output
    assert found.get("Secret", "slipway", "slipway")["data"]
    container = found.get("Deployment", "workflow-controller", "argo")["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "OTHER", "value": "x"}, {"name": "DEFAULT_REQUEUE_TIME", "value": "1s"}]
    levels = {"slipway": "restricted", "model-app-staging": "restricted", "slipway-build": "privileged"}
    for name, level in levels.items():
        labels = found.get("Namespace", name)["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == level
        assert labels["pod-security.kubernetes.io/warn"] == level


def test_changes_nothing_the_second_time(played, found):
    assert played.second.of("found") == (0, 0), played.second.output
    assert found.writes == played.writes


def test_the_login_of_the_registry_is_in_every_namespace(found):
    for namespace in ("slipway", "slipway-build", "model-app-staging"):
        secret = found.get("Secret", "slipway-registry", namespace)
        assert secret["type"] == "kubernetes.io/dockerconfigjson"
        data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
        assert data["ca.crt"] == LOGIN["ca"]
        login = json.loads(data[".dockerconfigjson"])["auths"]["harbor.example:8443"]["auth"]
        assert base64.b64decode(login).decode() == "robot:s3cr3t"


def test_argos_own_containers_meet_the_restricted_standard(found):
    """Templates that are not Slipway's are admitted too, and earlier settings of the controller are kept."""
    data = found.get("ConfigMap", "workflow-controller-configmap", "argo")["data"]
    assert data["parallelism"] == "10"
    executor = yaml.safe_load(data["executor"])
    assert executor["resources"] == {"requests": {"cpu": "10m"}}
    assert executor["securityContext"]["allowPrivilegeEscalation"] is False
    assert executor["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_dry_run_of_an_empty_cluster_goes_through(played):
    assert played.checked.failed == {"mirror": 0}, played.checked.output
    assert played.checked.changed["mirror"] > 0
    assert played.writes_of_check == []


def test_installs_from_files_with_images_of_a_mirror(played):
    assert played.first.failed["mirror"] == 0, played.first.output
    api = played.playbooks.apis["mirror"]
    container = api.get("Deployment", "workflow-controller", "argo")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "mirror.example:5000/argoproj/workflow-controller:v4.1.2"
    assert container["args"][1] == "mirror.example:5000/argoproj/argoexec:v4.1.2"
    assert {"name": "DEFAULT_REQUEUE_TIME", "value": "1s"} in container["env"]
    assert api.get("ServiceAccount", "argo", "argo")
    assert played.second.of("mirror") == (0, 0), played.second.output


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


@dataclass
class Refused:
    """A run of the parts, for clusters on which each is refused for a reason of its own."""

    playbooks: Playbooks
    run: Run


@pytest.fixture(scope="module")
def refused(clusters, tmp_path_factory):
    mirror = tmp_path_factory.mktemp("mirror")
    (mirror / "argo-cd").mkdir()
    server = deployment("argocd", "argocd-server", "quay.io/argoproj/argocd:v3.5.1")
    (mirror / "argo-cd" / "install.yaml").write_text(yaml.safe_dump({k: server[k] for k in server if k != "status"}))
    waits = {"slipway_mirror_directory": str(mirror), "slipway_wait_timeout": 2}
    playbooks = clusters(
        {
            "nothing": WITHOUT_CHARTS,
            "outdated": WITHOUT_CHARTS,
            "chart": {"platform_services_enabled": True},
            "waits": WITHOUT_CHARTS | waits,
        }
    )
    for api in playbooks.apis.values():
        namespaces(api, "argo", "argocd", "argo-events")
    playbooks.apis["outdated"].add(
        deployment("argo", "workflow-controller", "quay.io/argoproj/workflow-controller:v3.6.10")
    )
    playbooks.apis["chart"].add(*STANDING, settings(config="parallelism: 10"))
    failed = waiting("CrashLoopBackOff", "back-off 10s", lastState={"terminated": {"exitCode": 1}})
    playbooks.apis["waits"].add(
        CONTROLLER,
        pod("argocd-server-1", waiting("CreateContainerConfigError", 'secret "argocd-redis" not found')),
        pod("argocd-repo-server-1", failed),
        pod("argocd-redis-1", {"name": "redis", "ready": True, "state": {"running": {}}}),
    )
    playbooks.apis["waits"].logs["argocd-repo-server-1"] = "starting\npanic: no gpg keyring\n"
    return Refused(playbooks, playbooks("platform.yml", "--tags=argo_workflows,argo_cd,platform_services"))


def test_what_neither_stands_nor_is_named_is_refused(refused):
    assert refused.run.failed["nothing"] == 1
    assert "Argo Workflows 4.1 is not on the cluster" in refused.run.said
    assert "Set argo_workflows_manifests" in refused.run.said
    assert refused.playbooks.apis["nothing"].writes == []


def test_another_version_is_refused_by_name(refused):
    assert refused.run.failed["outdated"] == 1
    assert "Argo Workflows 3.6.10 stands in namespace argo" in refused.run.said
    assert refused.playbooks.apis["outdated"].writes == []


def test_a_controller_installed_by_argos_chart_keeps_its_one_key(refused):
    """With any other key beside `config` the controller would not start again."""
    api = refused.playbooks.apis["chart"]
    container = api.get("Deployment", "workflow-controller", "argo")["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "DEFAULT_REQUEUE_TIME", "value": "1s"} in container["env"], refused.run.output
    assert api.get("ConfigMap", "workflow-controller-configmap", "argo")["data"] == {"config": "parallelism: 10"}


def test_a_missing_storage_class_is_refused(refused):
    assert refused.run.failed["chart"] == 1
    assert "The cluster has no default storage class" in refused.run.said


def test_a_wait_that_fails_says_which_pod_and_why(refused):
    assert refused.run.failed["waits"] == 1, refused.run.output
    said = refused.run.said.replace("\\", "")
    assert "Argo CD is not ready after 2 s" in said
    assert 'pod argocd/argocd-server-1, container server: CreateContainerConfigError: secret "argocd-redis" not' in said
    assert "CrashLoopBackOff: back-off 10s; its log ends with: panic: no gpg keyring" in said
    assert "argocd-redis-1" not in said.split("is not ready after")[1]
