"""Settings for the pods of steps: their security context, resource requests, and how long they may be Pending."""

import json
from collections.abc import Mapping
from typing import Any

from slipway_workflows.strict_hera import PodSecurityContext, SeccompProfile

USER = 10001
"""The user of our images."""

POD_SECURITY = PodSecurityContext(
    run_as_non_root=True,
    run_as_user=USER,
    fs_group=USER,
    seccomp_profile=SeccompProfile(type="RuntimeDefault"),
)
"""Together with the security context of the containers this meets the `restricted` Pod Security Standard.

Every template has it, not only the workflow, because a templateRef takes nothing from the spec of its
WorkflowTemplate."""

EXECUTOR_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context for the containers `init` and `wait`, which Argo adds to every pod without one."""

PENDING_TIMEOUT = "10m"
"""How long a pod may be Pending, with the pull of its image, before Argo deletes it and its node fails.

Without this limit a pod that fits on no machine would hold the release lock for ever: `activeDeadlineSeconds` counts
only from the start of the pod, and Argo ignores the `timeout` of a Pending pod where the template has retries."""


def pod_spec_patch(requests: Mapping[str, str] | None = None) -> str:
    """The podSpecPatch of a template, as JSON. It gives Argo's own containers a security context.

    requests: resource (`cpu`, `memory`) -> the input parameter with the request of the container `main`. Its value
    is inserted by `toJson` as one JSON string, so that a value with quotes cannot change other parts of the pod.
    """
    containers: list[dict[str, Any]] = [{"name": "wait", "securityContext": EXECUTOR_SECURITY}]
    marks = {f"<{name}>": f"{{{{=toJson(inputs.parameters['{name}'])}}}}" for name in (requests or {}).values()}
    if requests:
        asked = {resource: f"<{name}>" for resource, name in requests.items()}
        containers.append({"name": "main", "resources": {"requests": asked}})
    patch = {"initContainers": [{"name": "init", "securityContext": EXECUTOR_SECURITY}], "containers": containers}
    text = json.dumps(patch)
    for mark, tag in marks.items():
        text = text.replace(json.dumps(mark), tag)
    return text
