"""Each part that a release needs is restarted in the middle of one; the release still comes to the right end.

This is the only thing that the suite does to what others use: it deletes the pods of Argo's workflow controller, of
Argo CD's application controller and of the registry of charts/platform, which their owners make anew at once.
"""

from collections.abc import Callable
from typing import Any

import pytest
from e2e.cluster.expectations import reached_canary
from e2e.cluster.installation import NAMESPACE, Installation
from e2e.cluster.playbooks import PLATFORM

NAME, INSTANCE, PART_OF = (f"app.kubernetes.io/{label}" for label in ("name", "instance", "part-of"))
Labels = dict[str, str]


def own(name: str) -> Callable[[Any, Labels], bool]:
    """Whether a pod is this part of the suite's own charts/platform."""
    return lambda pod, labels: (
        pod.metadata.namespace == NAMESPACE and (labels.get(NAME), labels.get(INSTANCE)) == (name, PLATFORM)
    )


def runs_workflow_controller(pod: Any, labels: Labels) -> bool:
    """By its image: its labels are others in Argo's manifests than in Argo's chart."""
    images = [container.image.partition("@")[0] for container in pod.spec.containers]
    return any(image.rpartition("/")[2].partition(":")[0] == "workflow-controller" for image in images)


PARTS: dict[str, tuple[str, Callable[[Any, Labels], bool]]] = {
    "workflow controller": ("train", runs_workflow_controller),
    "Argo CD": ("deploy", lambda pod, labels: labels.get(NAME) == "argocd-application-controller"),
    "MLflow": ("evaluate", own("mlflow")),
    "registry": ("build", lambda pod, labels: (labels.get(NAME), labels.get(PART_OF)) == ("registry", "slipway")),
    "PostgreSQL": ("resources", own("postgresql")),
}
"""What is restarted: the step during which it is, and which pods it has."""


@pytest.mark.parametrize("part", PARTS)
def test_a_release_survives_a_restart(installation: Installation, part: str) -> None:
    step, belongs = PARTS[part]
    listed = installation.core.list_pod_for_all_namespaces().items
    pods = [pod.metadata for pod in listed if belongs(pod, pod.metadata.labels or {})]
    if not pods:
        pytest.skip(f"no pod of the {part} runs in this cluster")
    before = installation.served()
    name = installation.release(**installation.usual)
    installation.step_pod(name, step)
    for pod in pods:
        installation.delete_pod(pod.name, pod.namespace)
    reached_canary(installation, before, installation.ended(name))
