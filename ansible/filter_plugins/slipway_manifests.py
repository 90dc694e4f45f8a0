"""Filters on lists of Kubernetes objects: they change namespaces and registries, find what is installed, and sort."""

import base64
import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_spec = importlib.util.spec_from_file_location(
    "slipway_manifests_shared", Path(__file__).parents[1] / "module_utils" / "slipway_manifests.py"
)
if _spec is None or _spec.loader is None:
    raise ImportError("ansible/module_utils/slipway_manifests.py is missing")
# Ansible lets modules import from module_utils, but not filters.
shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)


SHARED_ROLES = ("slipway-set-image", "slipway-read-applications", "slipway-test-pipelines")
"""Roles in namespaces that installations share: Argo CD's, and that of performance tests."""
PERF_NAMESPACE = "slipway-perf"
SHARED_IN_PERF = (*SHARED_ROLES, "slipway-report-results", "slipway-pipeline")
"""In the namespace of performance tests also these are of one installation; elsewhere they are in its own namespace."""


def slipway_installation(objects: list[Any], images: dict[str, Any], namespace: str) -> list[Any]:
    """The generated manifests as this installation has them: pull secrets of our images at the service accounts of
    `namespace` and of performance tests, `build-images` pushes to where they are pulled from, by plain HTTP only if
    that is allowed, and what is in shared namespaces has the name of `namespace`, because other installations have
    theirs beside it.
    """
    secrets = [{"name": name} for name in images.get("pullSecrets") or []]
    built = {"registry": images["registry"], "tag": images["tag"]}

    def pushing(parameter: dict[str, Any]) -> dict[str, Any]:
        name = parameter["name"]
        own = name in built and not str(parameter.get("value", "{{")).startswith("{{")
        return {**parameter, "value": built[name]} if own else parameter

    def build(value: Any) -> Any:
        if isinstance(value, list):
            return [build(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            key: [pushing(one) for one in inner] if key == "parameters" else build(inner)
            for key, inner in value.items()
        }

    def buildkit(text: str) -> str:
        host = images["registry"].partition("/")[0]
        named = re.sub(r'(?<=\[registry\.")[^"]+', lambda _: host, text)
        return named if images["insecure"] else named.replace("  http = true\n", "")

    def change(one: dict[str, Any]) -> dict[str, Any]:
        ours = one["metadata"].get("namespace") in (namespace, PERF_NAMESPACE)
        if secrets and ours and one["kind"] == "ServiceAccount":
            return {**one, "imagePullSecrets": secrets}
        if one["kind"] == "WorkflowTemplate" and one["metadata"]["name"] == "build-images":
            return {**one, "spec": build(one["spec"])}
        if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "slipway-buildkit":
            return {**one, "data": {name: buildkit(text) for name, text in one["data"].items()}}
        return one

    def named(one: dict[str, Any]) -> Any:
        names = SHARED_IN_PERF if one["metadata"].get("namespace") == PERF_NAMESPACE else SHARED_ROLES

        def role(key: str, text: str) -> str:
            return f"{namespace}-{text.removeprefix('slipway-')}" if key == "name" and text in names else text

        return shared.mapped(one, role)

    return [named(change(one)) for one in objects]


def slipway_namespace(objects: list[Any], old: str, new: str) -> list[Any]:
    """The objects with namespace `new` instead of `old`: in their metadata, their references, and Service addresses."""

    def change(key: str, text: str) -> str:
        if key == "namespace":
            return new if text == old else text
        return re.sub(rf"(?<=\.){re.escape(old)}(?=\.svc\b)", new, text)

    return objects if old == new else [shared.mapped(one, change) for one in objects]


def slipway_outside(objects: list[Any], namespace: str) -> list[Any]:
    """The objects that are not in `namespace`. With an empty `namespace`, all objects."""
    return [one for one in objects if not namespace or one["metadata"].get("namespace") != namespace]


def slipway_without_tests(objects: list[Any], wanted: bool) -> list[Any]:
    """The objects without those of performance tests. With `wanted`, all objects."""
    own = ("perf-test", "cron-perf", "slipway-perf")  # the last one is the service account of the step
    return [
        one
        for one in objects
        if wanted or not (one["metadata"]["name"] in own or one["metadata"].get("namespace") == PERF_NAMESPACE)
    ]


def _version(image: str, labels: dict[str, str]) -> str:
    name = image.split("@", 1)[0]
    tag = name.rsplit(":", 1)[1] if ":" in name.rsplit("/", 1)[-1] else ""
    return (tag or labels.get("app.kubernetes.io/version", "")).removeprefix("v")


def slipway_installed(deployments: list[Any], image: str, name: str = "") -> list[dict[str, str]]:
    """The Deployments that run an image whose last part is `image`, and whose own name matches the pattern `name`.

    Each has namespace, name, container, image, and version: the image's tag, else its label
    app.kubernetes.io/version, else empty.
    """
    found = []
    for one in deployments:
        if name and not re.search(name, one["metadata"]["name"]):
            continue
        template = one["spec"]["template"]
        labels = {**(one["metadata"].get("labels") or {}), **(template.get("metadata", {}).get("labels") or {})}
        for container in template["spec"]["containers"]:
            reference = container.get("image", "")
            repository = reference.split("@", 1)[0].rsplit("/", 1)[-1].split(":", 1)[0]
            if repository == image:
                found.append(
                    {
                        "namespace": one["metadata"]["namespace"],
                        "name": one["metadata"]["name"],
                        "container": container["name"],
                        "image": reference,
                        "version": _version(reference, labels),
                    }
                )
                break
    return found


def slipway_secrets(secrets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Secret objects, made of entries with namespace, name, data (plain text), and optionally type and labels."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": one.get("type", "Opaque"),
            "metadata": {"name": one["name"], "namespace": one["namespace"], "labels": one.get("labels") or {}},
            "data": {key: base64.b64encode(str(value).encode()).decode() for key, value in one["data"].items()},
        }
        for one in secrets
    ]


def slipway_registry_secrets(login: dict[str, str], registry: str, namespaces: list[str]) -> list[dict[str, Any]]:
    """The Secret slipway-registry for each namespace, as an entry for `slipway_secrets`; [] without a login.

    login: username, password, ca; each may be missing. registry: `host[:port][/prefix]`.
    """
    data = {"ca.crt": login["ca"]} if login.get("ca") else {}
    if login.get("username"):
        auth = base64.b64encode(f"{login['username']}:{login.get('password', '')}".encode()).decode()
        data[".dockerconfigjson"] = json.dumps({"auths": {registry.partition("/")[0]: {"auth": auth}}})
    # only with a login it can be a pull secret
    kind = "kubernetes.io/dockerconfigjson" if login.get("username") else "Opaque"
    return [{"namespace": one, "name": "slipway-registry", "type": kind, "data": data} for one in namespaces if data]


def slipway_pod_faults(pods: list[Any]) -> list[dict[str, Any]]:
    """What keeps pods from being ready: namespace, pod, container, why, and whether the container has a log (`ran`), or
    one of a run before (`previous`).
    """
    found = []
    for pod in pods:
        status = pod.get("status") or {}
        place = {"namespace": pod["metadata"]["namespace"], "pod": pod["metadata"]["name"]}
        if status.get("phase") == "Succeeded":
            continue
        containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
        for one in containers:
            state = one.get("state") or {}
            waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
            last = (one.get("lastState") or {}).get("terminated") or {}
            if waiting and waiting.get("reason") not in ("PodInitializing", "ContainerCreating"):
                why = ": ".join(part for part in (waiting.get("reason"), waiting.get("message")) if part)
            elif ended and ended.get("exitCode"):
                why = f"{ended.get('reason', 'Error')}, exit code {ended['exitCode']}"
            elif state.get("running") and not one.get("ready") and one in (status.get("containerStatuses") or []):
                why = "runs, but its probe says not ready"
            else:
                continue
            ran = bool(last or ended or state.get("running"))
            found.append(place | {"container": one["name"], "why": why, "ran": ran, "previous": bool(last)})
        for condition in status.get("conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                why = f"{condition.get('reason')}: {condition.get('message')}"
                found.append(place | {"container": "", "why": why, "ran": False, "previous": False})
    return found


def slipway_deployment_faults(deployments: list[Any]) -> list[str]:
    """The faults that Deployments report themselves, such as pods that no admission controller accepts."""
    return [
        f"Deployment {one['metadata']['namespace']}/{one['metadata']['name']}: {condition.get('message')}"
        for one in deployments
        for condition in (one.get("status") or {}).get("conditions") or []
        if (condition.get("type"), condition.get("status")) in (("ReplicaFailure", "True"), ("Progressing", "False"))
    ]


def slipway_fault_lines(faults: list[dict[str, Any]], logs: list[Any]) -> list[str]:
    """One sentence for each fault, with the last line of the container's log. `logs`: the results of a loop over
    `faults`.
    """
    lines = []
    for fault, result in zip(faults, logs, strict=True):
        said = [line for line in result.get("log_lines") or [] if line.strip()]
        place = f", container {fault['container']}" if fault["container"] else ""
        tail = f"; its log ends with: {said[-1].strip()}" if said else ""
        lines.append(f"pod {fault['namespace']}/{fault['pod']}{place}: {fault['why']}{tail}")
    return lines


def slipway_error_line(result: Any) -> str:
    """The line of a failed task that says what failed. All other output, such as the values of a chart, is left out."""
    text = "\n".join(str(result.get(key) or "") for key in ("stderr", "msg"))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("Error:")), lines[0] if lines else "")


def slipway_secret_parameters(names: list[str]) -> list[dict[str, Any]]:
    """The Helm parameters of an Application that name pull secrets."""
    return [{"name": f"image.pullSecrets[{at}]", "value": name, "forceString": True} for at, name in enumerate(names)]


class FilterModule:
    """The class by which Ansible finds the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by the names that playbooks use."""
        return {
            "slipway_deployment_faults": slipway_deployment_faults,
            "slipway_error_line": slipway_error_line,
            "slipway_fault_lines": slipway_fault_lines,
            "slipway_images": shared.slipway_images,
            "slipway_installed": slipway_installed,
            "slipway_namespace": slipway_namespace,
            "slipway_installation": slipway_installation,
            "slipway_ordered": shared.slipway_ordered,
            "slipway_outside": slipway_outside,
            "slipway_without_tests": slipway_without_tests,
            "slipway_pod_faults": slipway_pod_faults,
            "slipway_registry_secrets": slipway_registry_secrets,
            "slipway_secret_parameters": slipway_secret_parameters,
            "slipway_secrets": slipway_secrets,
        }
