"""Pods of steps: admitted as the API server admits them, each with the rights of its service account, as processes.

Takes the place of the engine's `Processes`. What a step's process gets is what its container would get: the settings of
the ConfigMap, and the service account's token.
"""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from argo_pod import step_pod
from kube_rbac import service_account
from simulated_cluster.objects import Object, Objects, Refused
from simulated_cluster.times import timestamp

from slipway_workflows.engine.errors import NodeError
from slipway_workflows.engine.machine.groups import Groups
from slipway_workflows.engine.machine.processes import Processes
from slipway_workflows.engine.machine.step_process import Finished, StepProgram
from slipway_workflows.engine.machine.timings import Timings

NODE = "node-1"
NODE_CPUS = 2
"""CPU that the one node of the cluster has; no pod that asks for more is ever scheduled."""
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available: 1 Insufficient cpu.",
}


class StepPods(Processes):
    """The pods of one workflow, whose engine is `run`."""

    def __init__(
        self, timings: Timings, groups: Groups, objects: Objects, run: Any, namespace: str, directory: Path
    ) -> None:
        super().__init__(timings, groups)
        self.objects = objects
        self.engine = run
        self.namespace = namespace
        self.directory = directory

    async def run(  # type: ignore[override]
        self,
        node_id: str,
        program: StepProgram,
        log: Path,
        *more: Any,
    ) -> Finished:
        pod = self._made(node_id, log)
        name = pod["metadata"]["name"]
        await self._scheduled(node_id, pod)
        account = service_account(pod["spec"]["serviceAccountName"], self.namespace)
        own = {
            **program.environment,
            "KUBECONFIG": str(self.objects.kubeconfig(self.directory / f"{node_id}.kubeconfig", account)),
            "SLIPWAY_HOME": str(program.directory / "home"),
        }
        self._started(name, pod["spec"])
        began = timestamp()
        self._status(name, "Running", {"state": {"running": {"startedAt": began}}})
        watch = asyncio.ensure_future(self._until_deleted(node_id, name))
        try:
            finished = await super().run(node_id, replace(program, environment=own), log, *more)
        finally:
            watch.cancel()
            if log.exists():
                self.objects.logs[name] = log.read_text()
        if self.objects.find("Pod", name, self.namespace) is None:
            raise NodeError("pod deleted")
        reason = "Completed" if finished.code == 0 else "Error"
        ended = {"exitCode": finished.code, "reason": reason, "startedAt": began, "finishedAt": timestamp()}
        self._status(name, "Failed" if finished.code else "Succeeded", {"state": {"terminated": ended}})
        if finished.code == 0:
            self.objects.delete("Pod", name, self.namespace)  # podGC: OnPodSuccess
        return finished

    def _made(self, node_id: str, log: Path) -> Object:
        """The pod of a node. Raises NodeError where it is not admitted."""
        node = self.engine._operation.tree.nodes[node_id]
        name = node.template_name or node.display_name.partition("(")[0]
        templates = [
            template
            for one in [{"spec": self.engine.spec}, *self.objects.all_of("WorkflowTemplate")]
            for template in one["spec"].get("templates") or []
            if template["name"] == name and ("container" in template or "script" in template)
        ]
        inputs = {one["name"]: one.get("value", "") for one in node.inputs.get("parameters") or []}
        spec = step_pod(self.engine.spec, templates[0], inputs)
        digest = hashlib.sha1(node.name.encode(), usedforsecurity=False).hexdigest()[:10]
        metadata = {
            "name": f"{self.engine.name}-{name}-{digest}",
            "namespace": self.namespace,
            "labels": {
                **((self.engine.spec.get("podMetadata") or {}).get("labels") or {}),
                "workflows.argoproj.io/workflow": self.engine.name,
            },
            "creationTimestamp": timestamp(),
            "annotations": {"workflows.argoproj.io/node-id": node_id, "workflows.argoproj.io/node-name": node.name},
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}
        self.objects.delete("Pod", metadata["name"], self.namespace)  # of an attempt before a retry
        try:
            self.objects.create(pod)
        except Refused as refused:
            raise NodeError(str(refused)) from refused
        return pod

    async def _scheduled(self, node_id: str, pod: Object) -> None:
        """Wait while no node can take the pod: until it is deleted, or the workflow is stopped."""
        name = pod["metadata"]["name"]
        main = next(one for one in pod["spec"]["containers"] if one["name"] == "main")
        resources = main.get("resources") or {}
        asked = str({**(resources.get("limits") or {}), **(resources.get("requests") or {})}.get("cpu", "0"))
        if (float(asked.removesuffix("m")) / 1000 if asked.endswith("m") else float(asked)) <= NODE_CPUS:
            return
        self.objects.change("Pod", name, self.namespace, lambda one: one["status"].update(conditions=[UNSCHEDULABLE]))
        operation = self.engine._operation
        shutdown, node = operation.shutdown, operation.tree.nodes[node_id]
        operation.tree.mark(node, "Pending", f"{UNSCHEDULABLE['reason']}: {UNSCHEDULABLE['message']}")
        while not shutdown.reason:
            if self.objects.find("Pod", name, self.namespace) is None:
                raise NodeError("pod deleted")
            await asyncio.sleep(0.1)
        self.objects.delete("Pod", name, self.namespace)
        raise NodeError(shutdown.reason)

    async def _until_deleted(self, node_id: str, name: str) -> None:
        while self.objects.find("Pod", name, self.namespace) is not None:
            await asyncio.sleep(0.1)
        process = self.running.get(node_id)
        if process is not None:
            process.end("pod deleted", at_once=True)

    def _started(self, name: str, spec: Object) -> None:
        """What scheduler and kubelet tell of a pod before its container runs."""
        self.objects.change("Pod", name, self.namespace, lambda one: one["spec"].update(nodeName=NODE))
        for reason in ("PodScheduled", "PodReadyToStartContainers"):
            told = {"type": reason, "status": "True", "lastTransitionTime": timestamp()}
            self.objects.change("Pod", name, self.namespace, lambda one, told=told: _with_condition(one, told))
        for number, one in enumerate([*spec.get("initContainers", []), *spec["containers"]]):
            image = one.get("image", "")
            message = f'Successfully pulled image "{image}" in 200ms (300ms including waiting). Image size: 1 bytes.'
            metadata = {"name": f"{name}.{number}", "namespace": self.namespace}
            event = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "reason": "Pulled", "message": message}
            involved = {"kind": "Pod", "name": name, "namespace": self.namespace}
            self.objects.add({**event, "involvedObject": involved, "lastTimestamp": timestamp()})

    def _status(self, name: str, phase: str, container: Object) -> None:
        status = {"name": "main", "image": "", "imageID": "", "ready": False, "restartCount": 0, **container}
        ended = {"type": "PodReadyToStartContainers", "status": "False", "lastTransitionTime": timestamp()}

        def edit(one: Object) -> None:
            one["status"] |= {"phase": phase, "containerStatuses": [status]}
            if phase in ("Succeeded", "Failed"):
                _with_condition(one, ended)  # the sandbox is gone

        self.objects.change("Pod", name, self.namespace, edit)


def _with_condition(pod: Object, condition: Object) -> None:
    others = [one for one in pod["status"].get("conditions", []) if one["type"] != condition["type"]]
    pod["status"]["conditions"] = [*others, condition]
