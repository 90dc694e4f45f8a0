"""What the engine knows. Any other field is refused by name before anything runs: a lock or a retry that is silently
left out is worse than a run that does not start.
"""

from collections.abc import Iterator, Mapping
from typing import Any

TEXT = None
"""Any value is fine below this field."""

PARAMETER = dict.fromkeys(("name", "value", "default", "enum", "description", "globalName"), TEXT) | {
    "valueFrom": dict.fromkeys(("path", "default", "parameter", "expression", "supplied"), TEXT)
}
PARAMETERS = {"parameters": [PARAMETER]}
CONTAINER = {
    "image": TEXT,
    "command": TEXT,
    "args": TEXT,
    "workingDir": TEXT,
    "env": [{"name": TEXT, "value": TEXT}],
    # what a process on this machine has no use for
    **dict.fromkeys(("name", "imagePullPolicy", "resources", "securityContext", "volumeMounts"), TEXT),
}
ARGUMENTS = {"parameters": [{"name": TEXT, "value": TEXT}]}
CALL = {
    "name": TEXT,
    "template": TEXT,
    "templateRef": {"name": TEXT, "template": TEXT, "clusterScope": TEXT},
    "arguments": ARGUMENTS,
    "when": TEXT,
    "continueOn": {"failed": TEXT, "error": TEXT},
}
SYNCHRONIZATION = {"mutexes": [{"name": TEXT, "namespace": TEXT}]}
RETRY = {
    "limit": TEXT,
    "retryPolicy": TEXT,
    "expression": TEXT,
    "backoff": {"duration": TEXT, "factor": TEXT, "maxDuration": TEXT, "cap": TEXT},
}
TEMPLATE: dict[str, Any] = {
    "name": TEXT,
    "inputs": PARAMETERS,
    "outputs": PARAMETERS,
    "steps": [[CALL]],
    "dag": {"tasks": [CALL | {"depends": TEXT, "dependencies": TEXT}], "failFast": TEXT},
    "container": CONTAINER,
    "script": CONTAINER | {"source": TEXT},
    "suspend": {"duration": TEXT},
    "retryStrategy": RETRY,
    "synchronization": SYNCHRONIZATION,
    "activeDeadlineSeconds": TEXT,
    "timeout": TEXT,
    "volumes": [{"name": TEXT, "emptyDir": TEXT}],
    **dict.fromkeys(("metadata", "serviceAccountName", "securityContext", "nodeSelector", "tolerations"), TEXT),
}
SPEC: dict[str, Any] = {
    "entrypoint": TEXT,
    "arguments": {"parameters": [PARAMETER]},
    "templates": [TEMPLATE],
    "onExit": TEXT,
    "synchronization": SYNCHRONIZATION,
    "workflowTemplateRef": {"name": TEXT, "clusterScope": TEXT},
    "volumes": [{"name": TEXT, "emptyDir": TEXT}],
    **dict.fromkeys(
        (
            "serviceAccountName",
            "ttlStrategy",
            "podGC",
            "workflowMetadata",
            "securityContext",
            "archiveLogs",
            "podMetadata",
        ),
        TEXT,
    ),
}


def unknown(value: Any, shape: Any, path: str) -> Iterator[str]:
    """The paths of all fields that `shape` does not have."""
    if shape is TEXT or value is None:
        return
    if isinstance(shape, list):
        for number, item in enumerate(value if isinstance(value, list) else []):
            yield from unknown(item, shape[0], f"{path}[{number}]")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name in shape:
                yield from unknown(inner, shape[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
