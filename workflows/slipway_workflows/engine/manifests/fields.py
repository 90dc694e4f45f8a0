"""Which fields of Argo's objects the engine honours, and which mean nothing on one machine; any other is refused.

Ignoring a field that changes what a workflow does would be a lie: only what concerns pods, nodes, permissions and
cleaning up on a cluster is ignored.
"""

from collections.abc import Iterator
from typing import Any

ANY = "any"
"""A field whose inside is not looked into: a scalar, or something that is ignored."""

Shape = dict[str, Any]


def _plain(*names: str) -> Shape:
    return dict.fromkeys(names, ANY)


IGNORED_IN_SPEC = _plain(
    *("affinity", "archiveLogs", "artifactGC", "artifactRepositoryRef", "automountServiceAccountToken", "dnsConfig"),
    *("dnsPolicy", "executor", "hostAliases", "hostNetwork", "imagePullSecrets", "metrics", "nodeSelector"),
    *("podDisruptionBudget", "podGC", "podMetadata", "podPriorityClassName", "podSpecPatch", "priority"),
    *("schedulerName", "securityContext", "serviceAccountName", "tolerations", "ttlStrategy", "volumeClaimGC"),
    "workflowMetadata",
)
IGNORED_IN_TEMPLATE: Shape = _plain(
    *(
        "affinity",
        "annotations",
        "archiveLocation",
        "automountServiceAccountToken",
        "executor",
        "hostAliases",
        "metadata",
    ),
    *("metrics", "nodeSelector", "podSpecPatch", "priority", "priorityClassName", "schedulerName", "securityContext"),
    *("serviceAccountName", "tolerations"),
)
CONFIG_KEY = _plain("name", "key", "optional")
PARAMETER: Shape = {
    **_plain("name", "value", "default", "description", "enum", "globalName"),
    "valueFrom": {
        **_plain("path", "default", "parameter", "expression", "supplied", "jsonPath"),
        "configMapKeyRef": CONFIG_KEY,
    },
}
ARTIFACT: Shape = {
    **_plain("name", "path", "from", "fromExpression", "optional", "mode", "globalName", "subPath", "archive"),
    **_plain("artifactGC", "recurseMode", "deleted"),
    "raw": _plain("data"),
}
PARAMETERS: Shape = {"parameters": [PARAMETER], "artifacts": [ARTIFACT]}
SYNCHRONIZATION: Shape = {
    "mutexes": [_plain("name", "namespace")],
    "semaphores": [{"configMapKeyRef": CONFIG_KEY, "namespace": ANY}],
}
TEMPLATE_REF = _plain("name", "template", "clusterScope")
HOOK: Shape = {**_plain("template", "expression"), "templateRef": TEMPLATE_REF, "arguments": PARAMETERS}
CONTAINER: Shape = {
    **_plain("name", "image", "command", "args", "workingDir", "imagePullPolicy", "resources", "ports"),
    **_plain("securityContext", "livenessProbe", "readinessProbe", "startupProbe", "tty"),
    **_plain("terminationMessagePath", "terminationMessagePolicy"),
    "env": [{**_plain("name", "value"), "valueFrom": {"configMapKeyRef": CONFIG_KEY}}],
    # a Secret is the cluster's: an optional one is not there
    "envFrom": [{"configMapRef": _plain("name", "optional"), "secretRef": _plain("name", "optional")}],
    "volumeMounts": [_plain("name", "mountPath", "readOnly")],
}
STEP: Shape = {
    **_plain("name", "template", "when", "withItems", "withParam", "onExit"),
    "templateRef": TEMPLATE_REF,
    "arguments": PARAMETERS,
    "withSequence": _plain("count", "start", "end", "format"),
    "continueOn": _plain("failed", "error"),
    "hooks": {"*": HOOK},
}
TEMPLATE: Shape = {
    **IGNORED_IN_TEMPLATE,
    **_plain("name", "activeDeadlineSeconds", "timeout", "failFast", "parallelism"),
    "inputs": PARAMETERS,
    "outputs": {**PARAMETERS, **_plain("result", "exitCode")},
    "container": CONTAINER,
    "script": {**CONTAINER, "source": ANY},
    "suspend": _plain("duration"),
    "resource": _plain(
        "action", "manifest", "setOwnerReference", "successCondition", "failureCondition", "mergeStrategy", "flags"
    ),
    "synchronization": SYNCHRONIZATION,
    "retryStrategy": {
        **_plain("limit", "retryPolicy", "expression", "affinity"),
        "backoff": _plain("duration", "factor", "maxDuration", "cap"),
    },
    "volumes": [_plain("name", "emptyDir")],
}
STEP["inline"] = TEMPLATE
TASK: Shape = {**STEP, **_plain("depends", "dependencies")}
TEMPLATE["steps"] = [[STEP]]
TEMPLATE["dag"] = {**_plain("target", "failFast"), "tasks": [TASK]}
SPEC: Shape = {
    **IGNORED_IN_SPEC,
    **_plain("activeDeadlineSeconds", "entrypoint", "onExit", "parallelism"),
    "arguments": PARAMETERS,
    "hooks": {"*": HOOK},
    "synchronization": SYNCHRONIZATION,
    "templateDefaults": TEMPLATE,
    "templates": ANY,
    "volumes": [_plain("name", "emptyDir")],
    "workflowTemplateRef": _plain("name", "clusterScope"),
}


def faults(value: Any, shape: Any, path: str) -> Iterator[str]:
    """What in `value` the engine does not know, or finds in the wrong form, each by its path."""
    if shape == ANY or value is None:
        return
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{path}: expected a list"
            return
        for index, item in enumerate(value):
            inner = f"{path}.{item['name']}" if isinstance(item, dict) and item.get("name") else f"{path}[{index}]"
            yield from faults(item, shape[0], inner)
        return
    if not isinstance(value, dict):
        yield f"{path}: expected a map"
        return
    for key, inside in value.items():
        if key in shape or "*" in shape:
            yield from faults(inside, shape.get(key, shape.get("*")), f"{path}.{key}")
        else:
            yield f"{path}.{key}: not supported by the local engine"
    if shape is PARAMETER:
        for key in ("value", "default"):
            if value.get(key) is not None and not isinstance(value[key], str):
                yield f"{path}.{key}: must be a string, not {value[key]!r}; quote it"
    if shape in (PARAMETER, ARTIFACT, STEP, TASK) and not isinstance(value.get("name"), str):
        yield f"{path}: needs a name"
