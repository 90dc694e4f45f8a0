"""Settings for the pods of steps: security context, resource requests, data, and how long they may be Pending."""

import json
from collections.abc import Mapping
from typing import Any

from slipway_workflows.strict_hera import Parameter, PodSecurityContext, S3Artifact, SeccompProfile

USER = 10001
"""The user of our images."""

STEP_LABEL = "slipway.dev/step"
"""The label of a pod with the name of its step, by which a NetworkPolicy selects it."""

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

CLAIM_PATH, ARTIFACT_PATH = "/data", "/artifact"
"""Where the training's pod finds the claim and the artifact with its data, if they are given."""

PENDING_TIMEOUT = "10m"
"""How long a pod may be Pending, with the pull of its image, before Argo deletes it and its node fails.

Without this limit a pod that fits on no machine would hold the release lock for ever: `activeDeadlineSeconds` counts
only from the start of the pod, and Argo ignores the `timeout` of a Pending pod where the template has retries."""


DATA_CLAIM, DATA_KEY = "data-claim", "data-key"


def data_parameters() -> list[Parameter]:
    """The parameters by which data, or a packaged model, reach the pod of the training. Both may be empty."""
    texts = {
        DATA_CLAIM: "On a cluster: PersistentVolumeClaim that training finds read-only at "
        f"`{CLAIM_PATH}`, for `dataset` or `model-package`; empty: none.",
        DATA_KEY: "On a cluster: key of a folder, or a .tgz of one, in Argo's artifact repository (S3), which training "
        f"finds at `{ARTIFACT_PATH}`; empty: none.",
    }
    return [Parameter(name=name, value="", description=text) for name, text in texts.items()]


def data_artifact() -> S3Artifact:
    """The artifact with data. Argo leaves out an optional artifact whose key is empty."""
    return S3Artifact(name="data", path=ARTIFACT_PATH, optional=True, key=f"{{{{inputs.parameters.{DATA_KEY}}}}}")


def _claim(parameter: str) -> dict[str, str]:
    """Mark -> tag, for a volume and its mount that are only there where the input `parameter` names a claim.

    The tags have no two closing braces in a row, because these end a tag.
    """
    value = f"inputs.parameters['{parameter}']"
    claim = f"""'"persistentVolumeClaim":{{"claimName":' + toJson({value}) + ',"readOnly":true}}'"""
    volume = f"""'{{"name":"data",' + {claim} + '}}'"""
    mount = f"""'{{"name":"data","mountPath":"{CLAIM_PATH}","readOnly":true}}'"""
    return {
        f"<{what}>": f"{{{{={value} == '' ? '' : {text}}}}}" for what, text in (("volume", volume), ("mount", mount))
    }


def pod_spec_patch(requests: Mapping[str, str] | None = None, claim: str = "") -> str:
    """The podSpecPatch of a template, as JSON. It gives Argo's own containers a security context.

    requests: resource (`cpu`, `memory`) -> the input parameter with the request of the container `main`; that for
    memory is the limit too. claim: the input parameter with the name of a claim that is mounted at `CLAIM_PATH`. Values
    are inserted by `toJson` as one JSON string, so that a value with quotes cannot change other parts of the pod.
    """
    containers: list[dict[str, Any]] = [{"name": "wait", "securityContext": EXECUTOR_SECURITY}]
    marks = {f"<{name}>": f"{{{{=toJson(inputs.parameters['{name}'])}}}}" for name in (requests or {}).values()}
    if requests:
        asked = {resource: f"<{name}>" for resource, name in requests.items()}
        resources = {"requests": asked}
        if "memory" in asked:
            resources["limits"] = {"memory": asked["memory"]}
        containers.append({"name": "main", "resources": resources})
    patch: dict[str, Any] = {
        "initContainers": [{"name": "init", "securityContext": EXECUTOR_SECURITY}],
        "containers": containers,
    }
    if claim:
        marks |= _claim(claim)
        containers[-1]["volumeMounts"] = ["<mount>"]
        patch["volumes"] = ["<volume>"]
    text = json.dumps(patch)
    for mark, tag in marks.items():
        text = text.replace(json.dumps(mark), tag)
    return text
