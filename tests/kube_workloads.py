"""A Deployment of an environment with its ReplicaSets and pods, as Kubernetes writes them."""

from typing import Any

from kube_server import Cluster

Object = dict[str, Any]
NAME = "model-app-staging"
LABELS = {"app.kubernetes.io/name": "model-app", "app.kubernetes.io/instance": NAME}
REVISION = "deployment.kubernetes.io/revision"
DIGEST = "sha256:" + "a" * 64
DONE = {"observedGeneration": 3, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}


def deployment(revision: int = 2, **status: Any) -> Object:
    """A Deployment whose rollout of `revision` is done, unless its status says something else."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": NAME,
            "namespace": NAME,
            "uid": "deployment",
            "generation": 3,
            "resourceVersion": "1",
            "annotations": {REVISION: str(revision)},
        },
        "spec": {"replicas": 1},
        "status": DONE | status,
    }


def replica_set(revision: int) -> Object:
    """The ReplicaSet of one revision of the Deployment."""
    owner = {"kind": "Deployment", "name": NAME, "uid": "deployment", "controller": True}
    return {
        "metadata": {
            "name": f"{NAME}-{revision}",
            "uid": f"replica-set-{revision}",
            "labels": LABELS,
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [owner],
        }
    }


def pod(name: str = "p-1", digest: str = DIGEST, revision: int = 2, **state: Any) -> Object:
    """A pod of the ReplicaSet of `revision`. `state`: what its container's status says otherwise."""
    container = {
        "name": "app",
        "image": f"r/app@{digest}",
        "env": [{"name": "SLIPWAY_IMAGE_DIGEST", "value": digest}],
        "resources": {"limits": {"memory": "256Mi", "cpu": "500m"}},
    }
    own = {"name": "app", "ready": False, "restartCount": 0, "state": {"running": {}}, **state}
    owner = {"kind": "ReplicaSet", "name": f"{NAME}-{revision}", "uid": f"replica-set-{revision}", "controller": True}
    return {
        "metadata": {"name": name, "labels": LABELS, "ownerReferences": [owner]},
        "spec": {"containers": [container]},
        "status": {"phase": "Running", "startTime": "2026-11-21T03:00:00Z", "containerStatuses": [own]},
    }


def evicted(name: str = "p-0", revision: int = 2) -> Object:
    """What an eviction leaves of a pod, until somebody deletes it."""
    found = pod(name, revision=revision)
    message = "The node was low on resource: memory."
    found["status"] = {"phase": "Failed", "reason": "Evicted", "message": message}
    return found


def served(cluster: Cluster, *pods: Object, of: Object | None = None) -> None:
    """The cluster has this Deployment (a finished one of revision 2), its ReplicaSets and these pods; no usage yet."""
    cluster.objects[f"/apis/apps/v1/namespaces/{NAME}/deployments/{NAME}"] = of or deployment()
    cluster.lists[f"/apis/apps/v1/namespaces/{NAME}/replicasets"] = [replica_set(1), replica_set(2)]
    cluster.lists[f"/api/v1/namespaces/{NAME}/pods"] = list(pods)
    cluster.lists.setdefault(f"/api/v1/namespaces/{NAME}/events", [])
    cluster.lists.setdefault(f"/apis/metrics.k8s.io/v1beta1/namespaces/{NAME}/pods", [])
