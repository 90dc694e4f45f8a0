"""Times of a run in which none of its own code runs, and the setting that makes each of them shorter."""

BLANKS = {
    "queue": "parallelism of the workflow controller and mutexes: `parallelism` and `namespaceParallelism` in "
    "workflow-controller-configmap, and --workflow-workers",
    "between-steps": "DEFAULT_REQUEUE_TIME in the environment of the workflow controller: 10s unless set; 2s halves a "
    "short pipeline",
    "create-to-schedule": "no node had room: the `requests` of the pods, or more nodes",
    "volumes-and-sandbox": "fewer volumes in the templates; the network plug-in of the nodes",
    "image-pull": "`imagePullPolicy: IfNotPresent` with a pinned tag, smaller images, images that nodes have already",
    "schedule-to-run": "Argo's own init container: `executor.resources` in workflow-controller-configmap, its image on "
    "the nodes",
    "save-outputs": "`archiveLogs: false`, and fewer or smaller output artifacts",
}
"""Phase of a run -> the setting that removes it, for people."""
