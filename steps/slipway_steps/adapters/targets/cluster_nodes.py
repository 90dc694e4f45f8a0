"""The nodes that the pods of a session ran on: they are what a session on a cluster was measured on, and not the
machine of the program that started its runs.
"""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.perf_session import Fingerprint
from slipway_steps.domain.quantity import parse_quantity

Object = dict[str, Any]
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
"""The label with the kind of machine in whose words the cloud sells it."""
UNKNOWN = "nodes of unknown kind"
GIB = 2**30


@dataclass(frozen=True, order=True)
class NodeKind:
    """What a node has. Nodes of one kind are as good as one another for a measurement. `memory`: bytes, in whole GiB as
    machines of one type differ by some KiB. `software`: kubelet and container runtime.
    """

    cpu: str
    cores: int
    memory: int
    kernel: str
    software: str


def kind_of(node: Object) -> NodeKind:
    """The kind of a node, from its object in the Kubernetes API."""
    status = node.get("status") or {}
    info, capacity = status.get("nodeInfo") or {}, status.get("capacity") or {}
    machine = (node["metadata"].get("labels") or {}).get(INSTANCE_TYPE, "")
    return NodeKind(
        cpu=" ".join(filter(None, [info.get("architecture", ""), machine])),
        cores=int(parse_quantity(capacity.get("cpu", "0"))),
        memory=math.ceil(parse_quantity(capacity.get("memory", "0")) / GIB) * GIB,
        kernel=" ".join(filter(None, [info.get("kernelVersion", ""), info.get("osImage", "")])),
        software=", ".join(
            f"{name} {info[key]}"
            for name, key in (("kubelet", "kubeletVersion"), ("runtime", "containerRuntimeVersion"))
            if info.get(key)
        ),
    )


def unknown_nodes(target: str, target_version: str) -> Fingerprint:
    """The fingerprint of a target on a cluster of which nothing tells the nodes."""
    nothing = {"cores": 0, "memory_bytes": 0, "kernel": "", "python": ""}
    return Fingerprint(cpu=UNKNOWN, target=target, target_version=target_version, **nothing)


class ClusterNodes:
    """The nodes of one session. They are read while they are there: one may be gone when the session ends."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._kinds: dict[str, NodeKind | None] = {}
        self._unread = ""
        self._lock = threading.Lock()

    def see(self, names: Iterable[str]) -> None:
        """Read the nodes of these names, each once. One that may not, or cannot, be read costs no measurement."""
        with self._lock:
            for name in sorted(set(names) - self._kinds.keys()):
                self._kinds[name] = self._read(name)

    def _read(self, name: str) -> NodeKind | None:
        if self._unread:
            return None
        try:
            found = self.api.get(path_of("v1", "nodes", "", name), what=f"reading the node {name}", absent=True)
            return kind_of(found) if found else None
        except (PlatformError, ValueError) as error:
            self._unread = str(error)
            return None

    def fingerprint(self, target: str, target_version: str) -> Fingerprint:
        """What the session was measured on, as far as the API tells it. It does not tell the model of a processor, and
        Python is that of each step's own image. Nodes of several kinds are all named; cores and memory are then those
        of the largest.
        """
        kinds = sorted({kind for kind in self._kinds.values() if kind})
        if not kinds:
            return unknown_nodes(target, target_version)
        whole = all(self._kinds.values())
        cpus = list(dict.fromkeys(_shown(kind, len(kinds) > 1) for kind in kinds))
        software = " + ".join(dict.fromkeys(kind.software for kind in kinds if kind.software))
        return Fingerprint(
            cpu=" + ".join([*cpus, *([] if whole else [UNKNOWN])]),
            cores=max(kind.cores for kind in kinds),
            memory_bytes=max(kind.memory for kind in kinds),
            kernel=" + ".join(dict.fromkeys(kind.kernel for kind in kinds)),
            python="",
            target=target,
            target_version=", ".join(filter(None, [target_version, software])),
        )

    def notes(self) -> list[str]:
        """For people: on which nodes the session ran, where their kind is not known."""
        unknown = sorted(name for name, kind in self._kinds.items() if kind is None)
        if not unknown:
            return []
        why = self._unread or "the API server does not know them any more"
        return [
            f"the kind of {', '.join(unknown)}, where runs were, is not known, so that another kind of node would "
            f"not be told from it: {why}"
        ]


def _shown(kind: NodeKind, several: bool) -> str:
    return f"{kind.cpu} {kind.cores} cores {kind.memory // GIB} GiB" if several else kind.cpu
