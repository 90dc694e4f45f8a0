"""The pod that Argo Workflows 4.1 makes of a template: its own containers, the workflow's settings, then podSpecPatch.

As `createWorkflowPod` of its controller does it: containers `init` and `wait` have no securityContext unless the
controller's ConfigMap gives one (key `executor`); a template's pod-level securityContext stands for the workflow's; an
optional artifact with an empty key is left out; the workflow's podSpecPatch and then the template's are merged in at
the end, strategically.
"""

import copy
import json
import re
from typing import Any

import yaml

from slipway_workflows.engine.language import exprlang

Object = dict[str, Any]

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}
"""Lists of a pod that a strategic merge joins, and by which field; any other list is replaced whole."""


def strategic_merge(old: Any, patch: Any, field: str = "") -> Any:
    """`old` with a strategic merge patch of a PodSpec applied; null removes a field."""
    if isinstance(patch, dict):
        result = dict(old) if isinstance(old, dict) else {}
        for key, value in patch.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = strategic_merge(result.get(key), value, key)
        return result
    if isinstance(patch, list) and field in MERGE_KEYS:
        key = MERGE_KEYS[field]
        items = {item[key]: item for item in old or []}
        for item in patch:
            items[item[key]] = strategic_merge(items.get(item[key]), item)
        return list(items.values())
    return copy.deepcopy(patch)


def filled_in(template: Object, inputs: dict[str, str]) -> Object:
    """The template with its inputs (their defaults, where not given) put into the text of its JSON, as Argo does."""
    known = {
        p["name"]: inputs.get(p["name"], p.get("value", "")) for p in template.get("inputs", {}).get("parameters", [])
    }

    def value(match: re.Match[str]) -> str:
        tag = json.loads(f'"{match[1]}"').strip()
        if tag.startswith("="):
            return json.dumps(exprlang.evaluate(tag[1:], {"inputs": {"parameters": known}}))[1:-1]
        name = tag.removeprefix("inputs.parameters.")
        return json.dumps(known[name])[1:-1] if name in known else match[0]

    filled: Object = json.loads(re.sub(r"\{\{(.*?)\}\}", value, json.dumps(template)))
    return filled


def step_pod(
    spec: Object, template: Object, inputs: dict[str, str] | None = None, executor: Object | None = None
) -> Object:
    """The spec of the pod that a workflow with this `spec` gets for one of its container templates.

    `inputs`: arguments of the template. `executor`: the key of that name in workflow-controller-configmap.
    """
    template = filled_in(template, inputs or {})
    own = {"image": "quay.io/argoproj/argoexec:v4.1.2", **(executor or {})}
    pod: Object = {
        "restartPolicy": "Never",
        "initContainers": [{"name": "init", **own}],
        "containers": [{"name": "wait", **own}, {**(template.get("container") or template["script"]), "name": "main"}],
        "volumes": [
            {"name": "var-run-argo", "emptyDir": {}},
            {"name": "tmp-dir-argo", "emptyDir": {}},
            *spec.get("volumes", []),
            *template.get("volumes", []),
        ],
        "securityContext": template.get("securityContext") or spec.get("securityContext") or {},
        "serviceAccountName": template.get("serviceAccountName") or spec.get("serviceAccountName") or "default",
    }
    given = [one for one in template.get("inputs", {}).get("artifacts", []) if (one.get("s3") or {}).get("key")]
    if given:
        pod["volumes"].append({"name": "input-artifacts", "emptyDir": {}})
        mounts = [{"name": "input-artifacts", "mountPath": one["path"], "subPath": one["name"]} for one in given]
        main = pod["containers"][1]
        main["volumeMounts"] = [*main.get("volumeMounts", []), *mounts]
    if "activeDeadlineSeconds" in template:
        pod["activeDeadlineSeconds"] = template["activeDeadlineSeconds"]
    for patch in (spec.get("podSpecPatch"), template.get("podSpecPatch")):
        if patch:
            pod = strategic_merge(pod, yaml.safe_load(patch))
    return pod
