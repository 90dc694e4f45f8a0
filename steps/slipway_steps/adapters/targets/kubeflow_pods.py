"""What is seen of the pods of Kubeflow Pipelines on its cluster: its own API tells their names alone.

By watches, and every few seconds by metrics.k8s.io, which knows no watch. That the cluster cannot be read costs no
session: what its pods would tell is then not measured, and `reason` says why.
"""

import threading
from collections.abc import Collection
from typing import Any

from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.adapters.kubernetes.watch import Watch
from slipway_steps.adapters.targets.pod_times import PodTimes
from slipway_steps.domain.errors import PlatformError

Object = dict[str, Any]
RUN, WORKFLOW = "pipeline/runid", "workflows.argoproj.io/workflow"
"""The labels of each pod of a run: the id of the run, and the name of the workflow that it became."""
METRICS = "metrics.k8s.io/v1beta1"
METRICS_EVERY = 5.0
"""Seconds between two looks at metrics.k8s.io. Its values are new every 15 s, at a time of its own: three looks meet
each of them."""


class KubeflowPods:
    """The pods of all runs in a namespace, from `start` on. `reason`: why nothing is seen; "" while all is well.
    `no_usage`: why CPU and memory are not.
    """

    def __init__(self, api: Api, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        self.reason = self.no_usage = ""
        self._pods: dict[str, PodTimes] = {}
        self._labels: dict[str, dict[str, str]] = {}
        self._changed = threading.Lock()
        self._ends = threading.Event()
        self._watches = [
            self._watch("pods", self._see_pod, labelSelector=RUN),
            self._watch("events", self._see_event, fieldSelector="involvedObject.kind=Pod,reason=Pulled"),
        ]
        self._thread = threading.Thread(target=self._look_at_usage, daemon=True)

    def _watch(self, plural: str, see: Any, **query: str) -> Watch:
        path = path_of("v1", plural, self.namespace)
        return Watch(self.api, path, f"watching {plural} in {self.namespace}", see, self._fail, **query)

    def start(self) -> None:
        """Begin to watch."""
        try:
            for one in self._watches:
                one.start()
            if self.api.get(f"/apis/{METRICS}", what="looking for metrics.k8s.io", absent=True) is None:
                self.no_usage = "the cluster has no metrics.k8s.io: install metrics-server"
            else:
                self._thread.start()
        except PlatformError as error:
            self._fail(error)

    def close(self) -> None:
        """End all watches. Twice is not an error."""
        self._ends.set()
        for one in self._watches:
            one.close()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def of_run(self, run: str, names: Collection[str]) -> list[PodTimes]:
        """What was seen of the pods of a run that the API names. By their names, or by the ids of their nodes in the
        workflow: Kubeflow calls both the name of the pod.
        """
        with self._changed:
            own = [pod for name, pod in self._pods.items() if self._labels.get(name, {}).get(RUN) == run]
            return [pod for pod in own if {pod.name, pod.node_id} & set(names)]

    def workflow(self, run: str) -> str:
        """The name of the workflow that a run became, with which those of its pods begin; "" where none was seen."""
        with self._changed:
            found = (labels.get(WORKFLOW, "") for labels in self._labels.values() if labels.get(RUN) == run)
            return next(filter(None, found), "")

    def _fail(self, error: PlatformError) -> None:
        self.reason = str(error)

    def _pod(self, name: str) -> PodTimes:
        return self._pods.setdefault(name, PodTimes(name))

    def _see_pod(self, happened: str, pod: Object) -> None:
        metadata = pod["metadata"]
        with self._changed:
            self._pod(metadata["name"]).see(pod)
            self._labels[metadata["name"]] = metadata.get("labels") or {}

    def _see_event(self, happened: str, event: Object) -> None:
        if happened != "DELETED":
            with self._changed:
                self._pod(event["involvedObject"]["name"]).see_event(event)

    def _look_at_usage(self) -> None:
        path, look = path_of(METRICS, "pods", self.namespace), 0
        while not self._ends.wait(METRICS_EVERY):
            look += 1
            try:
                found = self.api.get(path, what="reading the usage of pods", absent=False, labelSelector=RUN)
            except PlatformError as error:
                self.no_usage = str(error)
                continue
            with self._changed:
                for one in found.get("items") or []:
                    self._pod(one["metadata"]["name"]).see_usage(one, look)
