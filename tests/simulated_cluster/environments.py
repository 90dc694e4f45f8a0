"""Deployments of the environments: their ReplicaSets and pods as Kubernetes writes them, each app a process of ours.

The processes, their limits, probes, restarts and usage are those of `adapters/local`, which says all of it in
Kubernetes' words; here it becomes JSON.
"""

import copy
import threading
from datetime import UTC, datetime
from typing import Any

from pod_resources import invalid
from pod_security import refusal
from simulated_cluster.objects import Object, Objects

from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.pods import ContainerState, Pod, Sample

REVISION = "deployment.kubernetes.io/revision"
LOOK = 0.2
"""Seconds between two looks at the processes."""


def timestamp(seconds: float | None) -> str | None:
    """Unix seconds as Kubernetes writes a time, but with fractions: samples come faster than on a real cluster."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def state_of(state: ContainerState) -> Object:
    times = {"startedAt": timestamp(state.started_at), "finishedAt": timestamp(state.finished_at)}
    fields = {"reason": state.reason, "message": state.message, "exitCode": state.exit_code, **times}
    kept = {key: value for key, value in fields.items() if value not in (None, "")}
    if state.kind == "terminated":
        kept.setdefault("exitCode", 0)
    if state.kind == "running":
        kept = {"startedAt": kept["startedAt"]} if "startedAt" in kept else {}
    return {state.kind: kept}


class EnvironmentPods:
    """The Deployment of one environment. `platform` runs its app."""

    def __init__(self, objects: Objects, platform: LocalPlatform, environment: Environment, app: str) -> None:
        self.objects = objects
        self.platform = platform
        self.environment = environment
        self.name = f"{app}-{environment}"
        self.evictions = 0
        self._changed = threading.Event()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ends.set()
        self._thread.join()
        self.platform.down(self.environment)

    def apply(self, rendered: list[Object]) -> None:
        """What Argo CD applies: the Deployment is created, or changed if it differs; then a new revision begins."""
        wanted = next((one for one in rendered if one["kind"] == "Deployment"), None)
        if wanted is None:
            return
        before = self.objects.find("Deployment", self.name, self.name)
        if before is not None and before["spec"] == wanted["spec"]:
            return
        metadata = before["metadata"] if before else {**wanted["metadata"], "uid": f"deployment-{self.name}"}
        again = before is not None and before["spec"]["template"] == wanted["spec"]["template"]
        revision = int((metadata.get("annotations") or {}).get(REVISION, 0)) + (0 if again else 1)
        new = {
            **metadata,
            "generation": int(metadata.get("generation", 0)) + 1,
            "annotations": {REVISION: str(revision)},
        }
        status = (before or {}).get("status", {})
        self.objects.add({**wanted, "metadata": new, "status": status})

    def health(self) -> str:
        found = self.objects.find("Deployment", self.name, self.name)
        if found is None:
            return "Healthy"
        status = found["status"]
        current = status.get("observedGeneration") == found["metadata"]["generation"]
        return "Healthy" if current and status.get("readyReplicas", 0) == found["spec"]["replicas"] else "Progressing"

    def evict(self) -> None:
        """The pod is Failed and stays; its ReplicaSet makes another one."""
        pod = next(
            one
            for one in self.objects.all_of("Pod")
            if one["metadata"]["namespace"] == self.name and self._is_live(one)
        )
        pod["status"] = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
        self.evictions += 1
        self.objects.add(pod)
        self.platform.down(self.environment)
        self.platform.ensure(self.environment, stopped=True)

    @staticmethod
    def _is_live(pod: Object) -> bool:
        return pod["status"].get("phase") not in ("Failed", "Succeeded")

    def _run(self) -> None:
        told = 0
        while not self._ends.wait(LOOK):
            deployment = self.objects.find("Deployment", self.name, self.name)
            if deployment is None:
                continue
            if deployment["metadata"]["generation"] != told:
                told = deployment["metadata"]["generation"]
                self._roll_out(deployment)
            self._report(deployment)

    def _roll_out(self, deployment: Object) -> None:
        spec, metadata = deployment["spec"], deployment["metadata"]
        if not spec["replicas"]:
            self.platform.empty(self.environment)
            return
        pod = spec["template"]["spec"]
        refused = refusal(self.name, pod) or invalid(self.name, pod)
        assert refused is None, refused
        environment = {one["name"]: one.get("value", "") for one in spec["template"]["spec"]["containers"][0]["env"]}
        annotations = spec["template"]["metadata"]["annotations"]
        revision = metadata["annotations"][REVISION]
        labels = spec["template"]["metadata"]["labels"]
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.name, "uid": metadata["uid"]}
        replica_set = {
            "name": f"{self.name}-{revision}",
            "namespace": self.name,
            "uid": f"replica-set-{self.name}-{revision}",
            "labels": labels,
            "annotations": {REVISION: revision},
            "ownerReferences": [{**owner, "controller": True}],
        }
        self.objects.add({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": replica_set, "spec": {}})
        version = annotations["slipway.dev/model-version"]
        self.platform.deploy(
            self.environment, Candidate(version=version, digest=environment["SLIPWAY_IMAGE_DIGEST"], revision="")
        )

    def _report(self, deployment: Object) -> None:
        """Write the pod, its usage and the Deployment's status as they are now."""
        seen = self.platform.observe(self.environment)
        replica_set = f"{self.name}-{deployment['metadata']['annotations'][REVISION]}"
        # one process stands for all replicas
        wanted = deployment["spec"]["replicas"]
        pods = [self._pod(deployment, f"{replica_set}-{at}", one) for one in seen.pods for at in range(wanted)]
        names = {pod["metadata"]["name"] for pod in pods}
        for old in self.objects.all_of("Pod"):
            metadata = old["metadata"]
            if metadata["namespace"] == self.name and self._is_live(old) and metadata["name"] not in names:
                self.objects.delete("Pod", metadata["name"], self.name)
                self.objects.delete("PodMetrics", metadata["name"], self.name)
        for pod in pods:
            self.objects.add(pod)
            if seen.samples:
                self.objects.add(self._usage(pod, seen.samples[-1]))
        ready = sum(pod["status"]["containerStatuses"][0]["ready"] for pod in pods)
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            **dict.fromkeys(("replicas", "updatedReplicas"), len(pods)),
            **dict.fromkeys(("readyReplicas", "availableReplicas"), ready),
        }
        self.objects.change("Deployment", self.name, self.name, lambda now: now.update(status=status))

    def _pod(self, deployment: Object, name: str, seen: Pod) -> Object:
        replica_set = name.rpartition("-")[0]
        template = copy.deepcopy(deployment["spec"]["template"])
        container = template["spec"]["containers"][0]
        status: dict[str, Any] = {
            "name": "app",
            "image": container["image"],
            "imageID": container["image"],
            "ready": seen.ready,
            "restartCount": seen.restarts,
            "state": state_of(seen.state),
            "lastState": state_of(seen.last_state) if seen.last_state else {},
        }
        owner = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": replica_set,
            "uid": f"replica-set-{replica_set}",
        }
        metadata = {
            **template["metadata"],
            "name": f"{name}-{self.evictions}",
            "namespace": self.name,
            "ownerReferences": [{**owner, "controller": True}],
        }
        shown = {"phase": seen.phase, "startTime": timestamp(seen.started_at), "containerStatuses": [status]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"], "status": shown}

    def _usage(self, pod: Object, sample: Sample) -> Object:
        usage = {"cpu": f"{sample.cpu_millicores:.0f}m", "memory": str(sample.memory_bytes)}
        return {
            "apiVersion": "metrics.k8s.io/v1beta1",
            "kind": "PodMetrics",
            "metadata": {key: pod["metadata"][key] for key in ("name", "namespace", "labels")},
            "timestamp": timestamp(sample.at),
            "window": "1s",
            "containers": [{"name": "app", "usage": usage}],
        }
