"""Each part that a release needs is restarted in the middle of one; the release still comes to the right end.

This is the only thing that the suite does outside of its own namespaces: it deletes the pods of Argo's workflow
controller, of Argo CD's application controller and of the registry, which their Deployments make anew at once.
"""

import pytest
from e2e.cluster.expectations import reached_canary
from e2e.cluster.installation import Installation

PARTS = {
    "workflow-controller": "train",
    "argocd-application-controller": "deploy",
    "mlflow": "evaluate",
    "registry": "build",
    "postgresql": "resources",
}
"""What is restarted, and the step during which it is: one that does not need it at that moment, or one that does."""


@pytest.mark.parametrize("part", PARTS)
def test_a_release_survives_a_restart(installation: Installation, part: str) -> None:
    pods = [
        pod.metadata
        for pod in installation.core.list_pod_for_all_namespaces().items
        if pod.metadata.name.startswith(f"{part}-") and pod.status.phase == "Running"
    ]
    if not pods:
        pytest.skip(f"no pod {part}-... runs in this cluster")
    before = installation.served()
    name = installation.release(**installation.usual)
    installation.step_pod(name, PARTS[part])
    for pod in pods:
        installation.delete_pod(pod.name, pod.namespace)
    reached_canary(installation, before, installation.ended(name))
