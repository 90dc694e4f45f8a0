"""The pods of steps: what makes a namespace admit them, what they ask a node for, how long they may wait for one."""

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
"""With the containers' own, the `restricted` Pod Security Standard. Every template has it beside its workflow, because
a templateRef takes nothing of the spec of its WorkflowTemplate along."""

EXECUTOR_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""For the containers `init` and `wait`, which Argo puts into every pod without any securityContext."""

PENDING_TIMEOUT = "10m"
"""How long a pod may be Pending before Argo deletes it and fails its node: a pull of the train image is in it. The
`activeDeadlineSeconds` of a pod only count from its start, and a `timeout` is not looked at for a Pending pod of a
template with retries, so that a pod which no node can take would hold the release lock for good."""


def pod_spec_patch(requests: Mapping[str, str] | None = None) -> str:
    """The podSpecPatch of a template, as JSON: Argo's own containers are secured as ours are.

    requests: resource of the container `main` (`cpu`, `memory`) -> the input parameter that says how much of it the pod
    asks for. `toJson` keeps such a value one string: text with quotes in it cannot become another part of the pod.
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
