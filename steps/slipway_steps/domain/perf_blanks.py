"""Times of a run in which none of its own code runs, and the setting that makes each of them shorter."""

from collections.abc import Iterable

from slipway_steps.domain.perf_session import Phase

BLANKS = {
    "queue": "parallelism of the workflow controller and mutexes: `parallelism` and `namespaceParallelism` in "
    "workflow-controller-configmap, and --workflow-workers",
    "between-steps": "DEFAULT_REQUEUE_TIME in the environment of the workflow controller: 10s unless set; 2s halves a "
    "short pipeline",
    "create-to-schedule": "no node had room: the `requests` of the pods, or more nodes",
    "volumes-and-sandbox": "fewer volumes in the templates; the network plug-in of the nodes",
    "image-pull": "`imagePullPolicy: IfNotPresent` with a pinned tag, smaller images, images that are on the "
    "nodes beforehand (pre-pulled by a DaemonSet that names them)",
    "schedule-to-run": "Argo's own init container: `executor.resources` in workflow-controller-configmap, its image on "
    "the nodes",
    "save-outputs": "`archiveLogs: false`, and fewer or smaller output artifacts",
}
"""Phase of a run -> the setting of Argo or Kubernetes that removes it, for people."""
ON_ARGO = ("argo", "kfp")
"""The targets that have these settings: Kubeflow Pipelines runs on Argo Workflows."""
LEAST_BLANK = 1.0
"""Seconds from which a blank is named: Argo keeps whole seconds."""


def blanks_of(phases: Iterable[Phase]) -> dict[str, float]:
    """The seconds of each blank of a run, by name."""
    found: dict[str, float] = {}
    for phase in phases:
        if phase.name in BLANKS:
            found[phase.name] = found.get(phase.name, 0.0) + phase.end - phase.start
    return found
