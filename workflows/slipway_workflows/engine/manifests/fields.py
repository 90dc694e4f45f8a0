"""Which fields of Argo's objects the engine accepts, with their types.

Some of them are accepted and ignored: those that concern pods, cluster nodes, permissions and cleaning up on a cluster.
All other fields are refused, because a workflow would do something else if they were ignored. The types are those of
Argo's own API (a test compares them with Hera's models of it): what the API server refuses is refused here too, before
anything starts.
"""

import re
from collections.abc import Iterator
from typing import Any

ANY = "any value"
"""A field whose value is not checked."""
STRING, INTEGER, BOOLEAN = "a string", "an integer", "true or false"
PLAIN = "a string without a NUL character"
"""A name or a path: no file and no program can have one with a NUL character."""
INT_OR_STRING = "an integer, or a string with one"
MODE = "an integer from 0 to 511 (0777)"
"""The permissions of a file, as Kubernetes takes them."""
RANGES = {INTEGER: (-(2**63), 2**63 - 1), INT_OR_STRING: (-(2**31), 2**31 - 1), MODE: (0, 0o777)}
"""The smallest and the largest number of each type: those of Go's int64 and int32, which Argo's fields have."""
NUMBER_TEXT = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")

Shape = dict[str, Any]
"""Fields by name: a type above, a Shape, or a list of one of them. The name "*" stands for all other names."""


def _of(kind: Any, *names: str) -> Shape:
    return dict.fromkeys(names, kind)


OBJECT: Shape = {"*": ANY}
STRINGS = [STRING]
STRING_MAP: Shape = {"*": STRING}
OBJECTS = [OBJECT]
METADATA: Shape = {
    **_of(STRING, "name", "generateName", "namespace", "resourceVersion", "selfLink", "uid"),
    **_of(STRING_MAP, "labels", "annotations"),
    **_of(INTEGER, "deletionGracePeriodSeconds", "generation"),
    **_of(OBJECTS, "managedFields", "ownerReferences"),
    "finalizers": STRINGS,
    "*": ANY,
}
POD_METADATA: Shape = _of(STRING_MAP, "labels", "annotations")
IGNORED_IN_POD: Shape = {
    **_of(OBJECT, "affinity", "executor", "metrics", "securityContext"),
    **_of(OBJECTS, "hostAliases", "tolerations"),
    **_of(STRING, "podSpecPatch", "schedulerName", "serviceAccountName"),
    "automountServiceAccountToken": BOOLEAN,
    "nodeSelector": STRING_MAP,
    "priority": INTEGER,
}
"""What both a workflow and a template say of their pods."""
IGNORED_IN_SPEC: Shape = {
    **IGNORED_IN_POD,
    **_of(BOOLEAN, "archiveLogs", "hostNetwork"),
    **_of(OBJECT, "artifactGC", "artifactRepositoryRef", "dnsConfig", "podDisruptionBudget", "podGC", "ttlStrategy"),
    **_of(OBJECT, "volumeClaimGC", "workflowMetadata"),
    **_of(STRING, "dnsPolicy", "podPriorityClassName"),
    "imagePullSecrets": OBJECTS,
    "podMetadata": POD_METADATA,
}
IGNORED_IN_TEMPLATE: Shape = {
    **IGNORED_IN_POD,
    "annotations": STRING_MAP,
    "archiveLocation": OBJECT,
    "metadata": POD_METADATA,
    **_of(STRING, "pendingTimeout", "priorityClassName"),
}
CONFIG_KEY: Shape = {**_of(PLAIN, "name", "key"), "optional": BOOLEAN}
PARAMETER: Shape = {
    **_of(PLAIN, "name", "globalName"),
    **_of(STRING, "value", "default", "description"),
    "enum": STRINGS,
    "valueFrom": {
        "path": PLAIN,
        **_of(STRING, "default", "parameter", "expression", "jsonPath"),
        "supplied": OBJECT,
        "configMapKeyRef": CONFIG_KEY,
    },
}
RAW: Shape = {"data": STRING}
ARTIFACT: Shape = {
    **_of(PLAIN, "name", "path", "globalName", "subPath"),
    **_of(STRING, "from", "fromExpression"),
    **_of(BOOLEAN, "optional", "recurseMode", "deleted"),
    "mode": MODE,
    **_of(OBJECT, "archive", "artifactGC"),
    "raw": RAW,
    # only a key: then the artifact is in the workflow's own store, not in one that the manifest names
    "s3": {"key": PLAIN},
}
PARAMETERS: Shape = {"parameters": [PARAMETER], "artifacts": [ARTIFACT]}
MUTEX: Shape = _of(PLAIN, "name", "namespace")
SEMAPHORE: Shape = {"configMapKeyRef": CONFIG_KEY, "namespace": PLAIN}
SYNCHRONIZATION: Shape = {"mutexes": [MUTEX], "semaphores": [SEMAPHORE]}
TEMPLATE_REF: Shape = {**_of(PLAIN, "name", "template"), "clusterScope": BOOLEAN}
WORKFLOW_TEMPLATE_REF: Shape = {"name": PLAIN, "clusterScope": BOOLEAN}
HOOK: Shape = {**_of(STRING, "template", "expression"), "templateRef": TEMPLATE_REF, "arguments": PARAMETERS}
ENV: Shape = {"name": PLAIN, "value": STRING, "valueFrom": {"configMapKeyRef": CONFIG_KEY}}
CONFIG_MAP: Shape = {"name": PLAIN, "optional": BOOLEAN}
ENV_FROM: Shape = {"configMapRef": CONFIG_MAP, "secretRef": CONFIG_MAP}  # a Secret is the cluster's: none is here
VOLUME_MOUNT: Shape = {**_of(PLAIN, "name", "mountPath"), "readOnly": BOOLEAN}
CONTAINER: Shape = {
    **_of(PLAIN, "name", "image", "workingDir", "imagePullPolicy", "terminationMessagePath"),
    **_of(OBJECT, "resources", "securityContext", "livenessProbe", "readinessProbe", "startupProbe"),
    "ports": OBJECTS,
    "tty": BOOLEAN,
    "terminationMessagePolicy": STRING,
    **_of(STRINGS, "command", "args"),
    "env": [ENV],
    "envFrom": [ENV_FROM],
    "volumeMounts": [VOLUME_MOUNT],
}
SCRIPT: Shape = {**CONTAINER, "source": STRING}
STEP: Shape = {
    "name": PLAIN,
    **_of(STRING, "template", "when", "withParam", "onExit"),
    "withItems": [ANY],
    "templateRef": TEMPLATE_REF,
    "arguments": PARAMETERS,
    "withSequence": {**_of(INT_OR_STRING, "count", "start", "end"), "format": STRING},
    "continueOn": _of(BOOLEAN, "failed", "error"),
    "hooks": {"*": HOOK},
}
RESOURCE: Shape = {
    **_of(STRING, "action", "manifest", "successCondition", "failureCondition", "mergeStrategy"),
    "setOwnerReference": BOOLEAN,
    "flags": STRINGS,
}
FILES_VOLUME: Shape = {
    "optional": BOOLEAN,
    "defaultMode": MODE,
    "items": [{**_of(PLAIN, "key", "path"), "mode": MODE}],
}
VOLUME: Shape = {
    "name": PLAIN,
    "emptyDir": OBJECT,
    "secret": {**FILES_VOLUME, "secretName": PLAIN},
    "configMap": {**FILES_VOLUME, "name": PLAIN},
}
"""An optional Secret or ConfigMap is an empty directory here."""
TEMPLATE: Shape = {
    **IGNORED_IN_TEMPLATE,
    "name": PLAIN,
    "timeout": STRING,
    "activeDeadlineSeconds": INT_OR_STRING,
    "failFast": BOOLEAN,
    "parallelism": INTEGER,
    "inputs": PARAMETERS,
    "outputs": {**PARAMETERS, **_of(STRING, "result", "exitCode")},
    "container": CONTAINER,
    "script": SCRIPT,
    "suspend": {"duration": STRING},
    "resource": RESOURCE,
    "synchronization": SYNCHRONIZATION,
    "retryStrategy": {
        "limit": INT_OR_STRING,
        **_of(STRING, "retryPolicy", "expression"),
        "affinity": OBJECT,
        "backoff": {**_of(STRING, "duration", "maxDuration", "cap"), "factor": INT_OR_STRING},
    },
    "volumes": [VOLUME],
}
STEP["inline"] = TEMPLATE
TASK: Shape = {**STEP, "depends": STRING, "dependencies": STRINGS}
TEMPLATE["steps"] = [[STEP]]
TEMPLATE["dag"] = {"target": STRING, "failFast": BOOLEAN, "tasks": [TASK]}
NAMED_TEMPLATE: Shape = {"name": PLAIN, "*": ANY}
"""A template of which only the name is checked: the rest is checked, as TEMPLATE, if the workflow reaches it."""
SPEC: Shape = {
    **IGNORED_IN_SPEC,
    **_of(STRING, "entrypoint", "onExit"),
    **_of(INTEGER, "activeDeadlineSeconds", "parallelism"),
    "arguments": PARAMETERS,
    "hooks": {"*": HOOK},
    "synchronization": SYNCHRONIZATION,
    "templateDefaults": TEMPLATE,
    "templates": [NAMED_TEMPLATE],
    "volumes": [VOLUME],
    "workflowTemplateRef": WORKFLOW_TEMPLATE_REF,
}
REQUIRED: tuple[tuple[Shape, tuple[str, ...]], ...] = (
    *((shape, ("name",)) for shape in (PARAMETER, ARTIFACT, STEP, TASK, NAMED_TEMPLATE, ENV, MUTEX, VOLUME)),
    (VOLUME_MOUNT, ("name", "mountPath")),
    (SEMAPHORE, ("configMapKeyRef",)),
    (CONFIG_KEY, ("name", "key")),
    (RAW, ("data",)),
    (TEMPLATE_REF, ("name", "template")),
    (WORKFLOW_TEMPLATE_REF, ("name",)),
)
"""The fields that an object of each shape must have."""


WRONG_TYPE = ": must be "
"""What stands between the path of a field of the wrong type and the type that is wanted."""


def faults(value: Any, shape: Any, path: str) -> Iterator[str]:
    """A message for each field of `value` that `shape` does not have, that is missing, or that has the wrong type.

    Each begins with the path of the field; `path` is that of `value`. A null counts as a field that is not set.
    """
    if shape is ANY or value is None:
        return
    if isinstance(shape, list):
        yield from _list_faults(value, shape[0], path)
    elif isinstance(shape, dict):
        yield from _map_faults(value, shape, path)
    elif not _is_a(shape, value):
        hint = "; quote it" if shape in (STRING, PLAIN) and not isinstance(value, dict | list | str) else ""
        yield f"{path}{WRONG_TYPE}{_wanted(shape, value)}, not {_shown(value)}{hint}"


def _list_faults(value: Any, shape: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}{WRONG_TYPE}a list, not {_shown(value)}"
        return
    for index, item in enumerate(value):
        own = item.get("name") if isinstance(item, dict) and isinstance(shape, dict) else None
        inner = f"{path}.{own}" if own and isinstance(own, str) and own.isprintable() else f"{path}[{index}]"
        if item is None and shape is not ANY:
            yield f"{inner}: is empty"
        yield from faults(item, shape, inner)


def _map_faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}{WRONG_TYPE}a map, not {_shown(value)}"
        return
    for key, inside in value.items():
        inner = shape.get(key, shape.get("*"))
        if inner is None:
            yield f"{path}.{key}: not supported by the local engine"
        elif inside is None and key not in shape and inner is not ANY:
            yield f"{path}.{key}: is empty"
        else:
            yield from faults(inside, inner, f"{path}.{key}")
    for of, names in REQUIRED:
        if of is shape:
            yield from (f"{path}: needs a {name}" for name in names if value.get(name) in (None, ""))


def _is_a(kind: str, value: Any) -> bool:
    if kind in (STRING, PLAIN):
        return isinstance(value, str) and (kind is STRING or "\0" not in value)
    if kind is BOOLEAN or isinstance(value, bool):
        return kind is BOOLEAN and isinstance(value, bool)
    if kind is INT_OR_STRING and isinstance(value, str):
        # a tag is filled in when the node begins
        return "{{" in value or bool(NUMBER_TEXT.fullmatch(value))
    smallest, largest = RANGES[kind]
    return isinstance(value, int) and smallest <= value <= largest


def _wanted(kind: str, value: Any) -> str:
    """The type `kind`, as a message names it to whoever wrote `value`."""
    if kind is PLAIN and not isinstance(value, str):
        return STRING
    if kind is INTEGER and isinstance(value, int) and not isinstance(value, bool):
        smallest, largest = RANGES[kind]
        return f"{kind} from {smallest} to {largest}"
    return kind


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a map" if isinstance(value, dict) else "a list"
    shown = repr(value)
    return f"{shown[:60]}..." if len(shown) > 60 else shown
