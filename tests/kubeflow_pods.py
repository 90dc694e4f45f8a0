"""The pods of runs of Kubeflow Pipelines on a cluster, played from what its API tells of their tasks.

Each task has a pod with the labels and the annotation that Kubeflow Pipelines and Argo give it. Its name is not that of
its node, which is what the API calls the name of a pod.
"""

import threading
from datetime import UTC, datetime, timedelta

from kubeflow_server import Kubeflow
from simulated_cluster.argo_only import node
from simulated_cluster.objects import Object, Objects
from simulated_cluster.times import timestamp

NAMESPACE, NODE = "kubeflow", "node-1"


def whole(text: str, before: int = 0) -> str:
    """So many seconds before a time of the API, as Kubernetes writes it."""
    return f"{datetime.fromisoformat(text).astimezone(UTC) - timedelta(seconds=before):%Y-%m-%dT%H:%M:%SZ}"


class PlayedPods:
    """Each pod is created 3 s before its task begins, scheduled 2 s, and ready to start 1 s before."""

    def __init__(self, server: Kubeflow) -> None:
        self.server = server
        self.objects = Objects()
        self.objects.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, node(NODE))
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ends.set()
        self._thread.join()
        self.objects.objects.cut()
        self.objects.close()

    def _play(self) -> None:
        while not self._ends.wait(0.02):
            with self.server.lock:
                runs = [(run["run_id"], self.server.progress(run)) for run in self.server.objects["runs"].values()]
            for run, progress in runs:
                for task in progress.get("run_details", {}).get("task_details", []):
                    self._show(run, task)

    def _show(self, run: str, task: Object) -> None:
        node = task.get("pod_name") or task["child_tasks"][0]["pod_name"]
        workflow = f"two-steps-{run[:5]}"
        name = f"{workflow}-system-{node[-20:]}"
        ended = not task["end_time"].startswith("1970")
        found = self.objects.find("Pod", name, NAMESPACE)
        if found and found["status"]["phase"] == "Succeeded":
            return
        began = whole(task["start_time"])
        state: Object = {"running": {"startedAt": began}}
        if ended:
            state = {"terminated": {"startedAt": began, "finishedAt": whole(task["end_time"])}}
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": whole(task["start_time"], before)}
            for kind, before in (("PodScheduled", 2), ("PodReadyToStartContainers", 1))
        ]
        labels = {"pipeline/runid": run, "workflows.argoproj.io/workflow": workflow}
        metadata: Object = {"name": name, "namespace": NAMESPACE, "labels": labels}
        metadata |= {"creationTimestamp": whole(task["start_time"], 3)}
        metadata["annotations"] = {"workflows.argoproj.io/node-id": node}
        status: Object = {"phase": "Succeeded" if ended else "Running", "conditions": conditions}
        status["containerStatuses"] = [{"name": "main", "state": state}]
        if found is None:
            self._pulled(name)
        if found is None or ended:
            spec = {"nodeName": NODE}
            self.objects.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})
        if ended:
            self.objects.delete("PodMetrics", name, NAMESPACE)
        else:
            self._use(name, labels)

    def _pulled(self, name: str) -> None:
        metadata = {"name": f"{name}.1", "namespace": NAMESPACE}
        involved = {"kind": "Pod", "name": name, "namespace": NAMESPACE}
        message = 'Successfully pulled image "a" in 200ms (300ms including waiting). Image size: 1 bytes.'
        event = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "reason": "Pulled", "message": message}
        self.objects.add({**event, "involvedObject": involved, "lastTimestamp": timestamp()})

    def _use(self, name: str, labels: dict[str, str]) -> None:
        own = {"name": name, "namespace": NAMESPACE, "labels": labels}
        usage = {"name": "main", "usage": {"cpu": "500m", "memory": "64Mi"}}
        metrics = {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": own, "window": "15s"}
        self.objects.add({**metrics, "timestamp": timestamp(), "containers": [usage]})
