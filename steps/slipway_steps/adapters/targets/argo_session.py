"""What is seen of a session's workflows and pods on a cluster, as it happens: by watches, and every few seconds by
metrics.k8s.io, which knows no watch.
"""

import threading
import time
from typing import Any

from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.adapters.kubernetes.watch import Watch
from slipway_steps.adapters.targets.argo_manifest import API, SESSION_LABEL
from slipway_steps.adapters.targets.argo_sample import is_ended
from slipway_steps.adapters.targets.pod_times import PodTimes
from slipway_steps.domain.errors import PlatformError

Object = dict[str, Any]
WORKFLOW = "workflows.argoproj.io/workflow"
METRICS = "metrics.k8s.io/v1beta1"
METRICS_EVERY = 5.0
"""Seconds between two looks at metrics.k8s.io. Its values are new every 15 s, at a time of its own: three looks meet
each of them."""


class ArgoSession:
    """One session in one namespace. `failed`: why nothing is seen any more; None: all is well."""

    def __init__(self, api: Api, namespace: str, session: str) -> None:
        self.api = api
        self.namespace = namespace
        self.session = session
        self.workflows: dict[str, Object] = {}
        self.ended: dict[str, float] = {}
        self.failed: PlatformError | None = None
        self.unmeasured: dict[str, str] = {}
        self._pods: dict[str, PodTimes] = {}
        self._of_workflow: dict[str, set[str]] = {}
        self._changed = threading.Condition()
        self._ends = threading.Event()
        label = f"{SESSION_LABEL}={session}"
        events = "involvedObject.kind=Pod,reason=Pulled"
        self._watches = [
            self._watch("workflows", API, self._see_workflow, labelSelector=label),
            self._watch("pods", "v1", self._see_pod, labelSelector=label),
            self._watch("events", "v1", self._see_event, fieldSelector=events),
        ]
        self._thread = threading.Thread(target=self._look_at_usage, daemon=True)

    def _watch(self, plural: str, version: str, see: Any, **query: str) -> Watch:
        path = path_of(version, plural, self.namespace)
        return Watch(self.api, path, f"watching {plural} in {self.namespace}", see, self._fail, **query)

    def start(self) -> None:
        """Begin to watch. Raises PlatformError where that is not allowed, or the namespace cannot be read."""
        for one in self._watches:
            one.start()
        if self.api.get(f"/apis/{METRICS}", what="looking for metrics.k8s.io", absent=True) is None:
            reason = "the cluster has no metrics.k8s.io: install metrics-server"
            self.unmeasured |= {"cpu": reason, "memory": reason}
        else:
            self._thread.start()

    def close(self) -> None:
        """End all watches. Twice is not an error."""
        self._ends.set()
        for one in self._watches:
            one.close()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def wait(self, run: str, deadline: float) -> bool:
        """Wait until a workflow has ended or is gone. Raises PlatformError where nothing is seen any more."""
        with self._changed:
            self._changed.wait_for(lambda: run in self.ended or self.failed, max(deadline - time.time(), 0.0))
            if run not in self.ended and self.failed:
                raise self.failed
            return run in self.ended

    def pods(self, workflow: str) -> list[PodTimes]:
        """What was seen of the pods of a workflow."""
        with self._changed:
            return [self._pods[name] for name in sorted(self._of_workflow.get(workflow, ()))]

    def nodes(self, workflow: str) -> set[str]:
        """The names of the nodes that the pods of a workflow were seen on."""
        return {pod.node for pod in self.pods(workflow) if pod.node}

    @property
    def executor(self) -> str:
        """The version of Argo's executor in the pods that were seen; "" before the first."""
        with self._changed:
            images = {pod.executor for pod in self._pods.values() if pod.executor}
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

    def _pod(self, name: str) -> PodTimes:
        return self._pods.setdefault(name, PodTimes(name))

    def _see_pod(self, happened: str, pod: Object) -> None:
        metadata = pod["metadata"]
        with self._changed:
            self._pod(metadata["name"]).see(pod)
            workflow = (metadata.get("labels") or {}).get(WORKFLOW, "")
            self._of_workflow.setdefault(workflow, set()).add(metadata["name"])

    def _see_event(self, happened: str, event: Object) -> None:
        name = event["involvedObject"]["name"]
        if happened != "DELETED" and name.startswith(f"{self.session}-"):
            with self._changed:
                self._pod(name).see_event(event)

    def _look_at_usage(self) -> None:
        path, look = path_of(METRICS, "pods", self.namespace), 0
        while not self._ends.wait(METRICS_EVERY):
            look += 1
            try:
                label = f"{SESSION_LABEL}={self.session}"
                found = self.api.get(path, what="reading the usage of pods", absent=False, labelSelector=label)
                with self._changed:
                    for one in found.get("items") or []:
                        self._pod(one["metadata"]["name"]).see_usage(one, look)
            except Exception as error:  # this thread has no caller: what it meets has to be named here
                why = str(error) if isinstance(error, PlatformError) else f"the usage of pods cannot be read: {error!r}"
                with self._changed:
                    self.unmeasured |= {"cpu": why, "memory": why}
