"""A cluster with Argo Workflows alone: the API server, and the controller with pods of one or more namespaces."""

import threading
from pathlib import Path
from typing import Any

from simulated_cluster.objects import Object, Objects
from simulated_cluster.step_pods import NODE
from simulated_cluster.times import timestamp
from simulated_cluster.workflow_controller import WorkflowController

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def namespace(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def node(name: str, machine: str = "m5.large") -> Object:
    """A node as its kubelet and its cloud describe it."""
    info = {
        "architecture": "amd64",
        "kernelVersion": "6.8.0-31-generic",
        "osImage": "Ubuntu 24.04 LTS",
        "kubeletVersion": "v1.35.0",
        "containerRuntimeVersion": "containerd://2.1.0",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"node.kubernetes.io/instance-type": machine}},
        "status": {"nodeInfo": info, "capacity": {"cpu": "2", "memory": "7816476Ki"}},
    }


class ArgoOnly:
    """`usage`: whether metrics.k8s.io tells of the pods. `told`: what it tells of each that runs."""

    def __init__(self, directory: Path, *namespaces: str, usage: bool = True) -> None:
        self.objects = Objects()
        self.told = {"cpu": "250m", "memory": "64Mi"}
        self.objects.add(*(namespace(name, **RESTRICTED) for name in namespaces), node(NODE))
        if not usage:
            self.objects.missing.add("metrics.k8s.io/v1beta1")
        self.controller = WorkflowController(self.objects, directory / "argo", {})
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ends.set()
        self._thread.join()
        self.controller.close()
        self.objects.objects.cut()
        self.objects.close()

    def _measure(self) -> None:
        """metrics-server: what running pods use, as it tells of them."""
        while not self._ends.wait(0.1):
            pods = {one["metadata"]["name"]: one for one in self.objects.all_of("Pod")}
            for one in self.objects.all_of("PodMetrics"):
                if one["metadata"]["name"] not in pods:
                    self.objects.delete("PodMetrics", one["metadata"]["name"], one["metadata"]["namespace"])
            for name, pod in pods.items():
                if pod["status"].get("phase") == "Running":
                    self.objects.add(metrics_of(name, pod["metadata"], self.told))


def metrics_of(name: str, metadata: dict[str, Any], usage: dict[str, str]) -> Object:
    """metrics-server gives the object the labels of its pod, by which it can be selected."""
    own = {"name": name, "namespace": metadata["namespace"], "labels": metadata.get("labels", {})}
    return {
        "apiVersion": "metrics.k8s.io/v1beta1",
        "kind": "PodMetrics",
        "metadata": own,
        "timestamp": timestamp(),
        "window": "15s",
        "containers": [{"name": "main", "usage": usage}],
    }
