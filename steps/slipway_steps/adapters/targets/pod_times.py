"""When what happened to a pod, and what it used: from Kubernetes' objects as they come, because later ones say less.

The condition PodReadyToStartContainers, for one, becomes False again when the pod ends, with the time of that.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway_steps.adapters.kubernetes.pods import seconds
from slipway_steps.domain.quantity import parse_quantity

Object = dict[str, Any]
MAIN = "main"
NODE_ID, NODE_NAME = "workflows.argoproj.io/node-id", "workflows.argoproj.io/node-name"
CONDITIONS = {"PodScheduled": "scheduled", "PodReadyToStartContainers": "ready_to_start"}
PULLED = re.compile(r"Successfully pulled image .* in (\S+) \((\S+) including waiting\)")
PRESENT = re.compile(r"Container image .* already present on machine")
DURATION = re.compile(r"([0-9.]+)(h|ms|m|s|us|µs|ns)")
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def go_duration(text: str) -> float:
    """The seconds of a duration as Go writes it: `1m2.5s`, `850ms`."""
    return sum(float(number) * UNITS[unit] for number, unit in DURATION.findall(text))


@dataclass(frozen=True)
class Pull:
    """One image that was brought to a node. `seconds` of the transfer, and `waited` before in the kubelet's queue; both
    are 0 for an image that was there. `end` in Unix seconds.
    """

    seconds: float
    waited: float
    end: float


def pull_of(event: Object) -> Pull | None:
    """What an event with reason `Pulled` tells; None for another text than is known."""
    message = str(event.get("message"))
    at = seconds(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp"))
    if PRESENT.search(message):
        return Pull(0.0, 0.0, at or 0.0)
    found = PULLED.search(message)
    if not found:
        return None
    registry, both = go_duration(found[1]), go_duration(found[2])
    return Pull(registry, max(both - registry, 0.0), at or 0.0)


@dataclass
class PodTimes:
    """One pod. Times are Unix seconds, and None while not known. `node`: the name of that which it is on. `cores`: used
    on average before each of these times; `memory`: bytes, by the number of the look at all pods.
    """

    name: str
    node_id: str = ""
    node: str = ""
    created: float = 0.0
    scheduled: float | None = None
    ready_to_start: float | None = None
    started: float | None = None
    finished: float | None = None
    executor: str = ""
    pulls: dict[str, Pull] = field(default_factory=dict)
    cores: dict[float, float] = field(default_factory=dict)
    memory: dict[int, float] = field(default_factory=dict)

    def see(self, pod: Object) -> None:
        """Take in the pod as it is now."""
        metadata, status = pod["metadata"], pod.get("status") or {}
        self.node_id = (metadata.get("annotations") or {}).get(NODE_ID, self.name)
        self.created = seconds(metadata.get("creationTimestamp")) or 0.0
        self.node = str((pod.get("spec") or {}).get("nodeName") or self.node)
        for one in status.get("conditions") or []:
            known = CONDITIONS.get(one.get("type", ""))
            if known and one.get("status") == "True" and getattr(self, known) is None:
                setattr(self, known, seconds(one.get("lastTransitionTime")))
        for one in status.get("containerStatuses") or []:
            if one.get("name") == MAIN:
                for state in ("running", "terminated"):
                    told = (one.get("state") or {}).get(state) or {}
                    self.started = self.started or seconds(told.get("startedAt"))
                    self.finished = self.finished or seconds(told.get("finishedAt"))
        for one in (pod.get("spec") or {}).get("initContainers") or []:
            if one.get("name") == "init":
                self.executor = str(one.get("image", ""))

    def see_event(self, event: Object) -> None:
        """Take in an event of the pod with reason `Pulled`."""
        found = pull_of(event)
        if found:
            self.pulls[event["metadata"]["name"]] = found

    def see_usage(self, metrics: Object, look: int) -> None:
        """Take in an object of metrics.k8s.io: what all containers used on average in the window before its time."""
        at = seconds(metrics.get("timestamp"))
        if at is not None:
            used = [one.get("usage") or {} for one in metrics.get("containers") or []]
            self.cores[at] = float(sum(parse_quantity(one.get("cpu", "0")) for one in used))
            self.memory[look] = float(sum(parse_quantity(one.get("memory", "0")) for one in used))

    @property
    def cpu_seconds(self) -> float | None:
        """Mean cores of all samples times the seconds that the pod ran; None without a sample."""
        if not self.cores or self.started is None or self.finished is None:
            return None
        return sum(self.cores.values()) / len(self.cores) * (self.finished - self.started)


def difference(start: float | None, end: float | None) -> float | None:
    """Seconds between two times that are known; never below 0, as whole seconds of two machines may say."""
    return None if start is None or end is None else max(end - start, 0.0)


def largest(values: Sequence[float | None]) -> float | None:
    """The largest; None where there is none, or where one of them is not known."""
    return None if not values or None in values else max(value for value in values if value is not None)


def pod_metrics(pods: Sequence[PodTimes]) -> dict[str, float]:
    """The metrics of a run that its pods tell; what is not known of one of them is left out."""
    cpu = [pod.cpu_seconds for pod in pods]
    looks = {look for pod in pods for look in pod.memory}
    at_once = [sum(pod.memory.get(look, 0.0) for pod in pods) for look in looks]
    pulled = bool(pods) and all(pod.pulls for pod in pods)
    found = {
        "create-to-schedule": largest([difference(pod.created, pod.scheduled) for pod in pods]),
        "volumes-and-sandbox": largest([difference(pod.scheduled, pod.ready_to_start) for pod in pods]),
        "schedule-to-run": largest([difference(pod.scheduled, pod.started) for pod in pods]),
        "image-pull": sum(one.seconds for pod in pods for one in pod.pulls.values()) if pulled else None,
        "cpu": None if not cpu or None in cpu else sum(value for value in cpu if value is not None),
        "memory": max(at_once) if at_once and all(pod.memory for pod in pods) else None,
    }
    return {name: value for name, value in found.items() if value is not None}
