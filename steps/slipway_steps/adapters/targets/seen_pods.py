"""What is seen of pods on a cluster while they are there: by watches of them and of their events, and every few seconds
by metrics.k8s.io, which knows no watch.
"""

import threading
from collections.abc import Callable
from typing import Any

from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.adapters.kubernetes.watch import Watch
from slipway_steps.adapters.targets.pod_times import PodTimes
from slipway_steps.domain.errors import PlatformError

Object = dict[str, Any]
METRICS = "metrics.k8s.io/v1beta1"
METRICS_EVERY = 5.0
"""Seconds between two looks at metrics.k8s.io. Its values are new every 15 s, at a time of its own: three looks meet
each of them."""


class SeenPods:
    """The pods of a namespace that a label selector chooses, from `start` on.

    fail: is told when a watch has ended, so that nothing more is seen. prefix: with which their names begin.
    `no_usage`: why CPU and memory are not known; "" while all is well.
    """

    def __init__(
        self, api: Api, namespace: str, selector: str, fail: Callable[[PlatformError], None], prefix: str = ""
    ) -> None:
        self.api, self.namespace, self.selector, self.prefix = api, namespace, selector, prefix
        self.no_usage = ""
        self._pods: dict[str, PodTimes] = {}
        self._labels: dict[str, dict[str, str]] = {}
        self._changed = threading.Lock()
        self._ends = threading.Event()
        pulled = "involvedObject.kind=Pod,reason=Pulled"
        self._watches = [
            watch_of(api, namespace, "pods", "v1", self._see_pod, fail, labelSelector=selector),
            watch_of(api, namespace, "events", "v1", self._see_event, fail, fieldSelector=pulled),
        ]
        self._thread = threading.Thread(target=self._look_at_usage, daemon=True)

    def start(self) -> None:
        """Begin to watch. Raises PlatformError where that is not allowed, or the namespace cannot be read."""
        for one in self._watches:
            one.start()
        if self.api.get(f"/apis/{METRICS}", what="looking for metrics.k8s.io", absent=True) is None:
            self.no_usage = "the cluster has no metrics.k8s.io: install metrics-server"
        else:
            self._thread.start()

    def close(self) -> None:
        """End all watches. Twice is not an error."""
        self._ends.set()
        for one in self._watches:
            one.close()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def all(self) -> list[PodTimes]:
        """All pods that were seen."""
        with self._changed:
            return [self._pods[name] for name in sorted(self._labels)]

    def labelled(self, label: str, value: str) -> list[PodTimes]:
        """The pods with that value of a label."""
        with self._changed:
            return [self._pods[name] for name, told in sorted(self._labels.items()) if told.get(label) == value]

    def label(self, pod: PodTimes, name: str) -> str:
        """A label of a pod; "" where it has none of that name."""
        with self._changed:
            return self._labels.get(pod.name, {}).get(name, "")

    def _pod(self, name: str) -> PodTimes:
        return self._pods.setdefault(name, PodTimes(name))

    def _see_pod(self, happened: str, pod: Object) -> None:
        metadata = pod["metadata"]
        with self._changed:
            self._pod(metadata["name"]).see(pod)
            self._labels[metadata["name"]] = metadata.get("labels") or {}

    def _see_event(self, happened: str, event: Object) -> None:
        name = event["involvedObject"]["name"]
        if happened != "DELETED" and name.startswith(self.prefix):
            with self._changed:
                self._pod(name).see_event(event)

    def _look_at_usage(self) -> None:
        path, look = path_of(METRICS, "pods", self.namespace), 0
        while not self._ends.wait(METRICS_EVERY):
            look += 1
            try:
                what = "reading the usage of pods"
                found = self.api.get(path, what=what, absent=False, labelSelector=self.selector)
                with self._changed:
                    for one in found.get("items") or []:
                        self._pod(one["metadata"]["name"]).see_usage(one, look)
            except Exception as error:  # this thread has no caller: what it meets has to be named here
                foreseen = isinstance(error, PlatformError)
                self.no_usage = str(error) if foreseen else f"the usage of pods cannot be read: {error!r}"


def watch_of(
    api: Api,
    namespace: str,
    plural: str,
    version: str,
    see: Callable[[str, Object], None],
    fail: Callable[[PlatformError], None],
    **query: str,
) -> Watch:
    """A watch of the objects of a kind in a namespace, which is not started yet."""
    return Watch(api, path_of(version, plural, namespace), f"watching {plural} in {namespace}", see, fail, **query)
