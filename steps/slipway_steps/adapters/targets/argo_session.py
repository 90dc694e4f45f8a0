"""What is seen of a session's workflows and pods on a cluster, as it happens."""

import threading
import time
from typing import Any

from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.targets.argo_manifest import API, SESSION_LABEL
from slipway_steps.adapters.targets.argo_sample import is_ended
from slipway_steps.adapters.targets.pod_times import PodTimes
from slipway_steps.adapters.targets.seen_pods import SeenPods, watch_of
from slipway_steps.domain.errors import PlatformError

Object = dict[str, Any]
WORKFLOW = "workflows.argoproj.io/workflow"
"""The label of a pod with the name of its workflow."""


class ArgoSession:
    """One session in one namespace. `failed`: why nothing is seen any more; None: all is well."""

    def __init__(self, api: Api, namespace: str, session: str) -> None:
        self.workflows: dict[str, Object] = {}
        self.ended: dict[str, float] = {}
        self.failed: PlatformError | None = None
        self._changed = threading.Condition()
        label = f"{SESSION_LABEL}={session}"
        self._watch = watch_of(api, namespace, "workflows", API, self._see_workflow, self._fail, labelSelector=label)
        self._pods = SeenPods(api, namespace, label, self._fail, prefix=f"{session}-")

    @property
    def unmeasured(self) -> dict[str, str]:
        """What of the pods is not known, and why."""
        return dict.fromkeys(("cpu", "memory"), self._pods.no_usage) if self._pods.no_usage else {}

    def start(self) -> None:
        """Begin to watch. Raises PlatformError where that is not allowed, or the namespace cannot be read."""
        self._watch.start()
        self._pods.start()

    def close(self) -> None:
        """End all watches. Twice is not an error."""
        self._watch.close()
        self._pods.close()

    def wait(self, run: str, deadline: float) -> bool:
        """Wait until a workflow has ended or is gone. Raises PlatformError where nothing is seen any more."""
        with self._changed:
            self._changed.wait_for(lambda: run in self.ended or self.failed, max(deadline - time.time(), 0.0))
            if run not in self.ended and self.failed:
                raise self.failed
            return run in self.ended

    def pods(self, workflow: str) -> list[PodTimes]:
        """What was seen of the pods of a workflow."""
        return self._pods.labelled(WORKFLOW, workflow)

    def nodes(self, workflow: str) -> set[str]:
        """The names of the nodes that the pods of a workflow were seen on."""
        return {pod.node for pod in self.pods(workflow) if pod.node}

    @property
    def executor(self) -> str:
        """The version of Argo's executor in the pods that were seen; "" before the first."""
        images = {pod.executor for pod in self._pods.all() if pod.executor}
        return ", ".join(sorted({image.partition("@")[0].rpartition(":")[2] for image in images}))

    def _fail(self, error: PlatformError) -> None:
        with self._changed:
            self.failed = error
            self._changed.notify_all()

    def _see_workflow(self, happened: str, workflow: Object) -> None:
        now, name = time.time(), workflow["metadata"]["name"]
        with self._changed:
            self.workflows[name] = workflow
            if happened == "DELETED" or is_ended(workflow):
                self.ended.setdefault(name, now)
                self._changed.notify_all()
