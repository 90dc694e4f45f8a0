"""What a Deployment runs, how far it is with what it was last told, and which pods are its own now: from Kubernetes'
JSON.
"""

from typing import Any

from slipway_steps.adapters.kubernetes.pods import digest_of
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.pods import Rollout

Object = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"
"""Annotation of a Deployment, and of the ReplicaSet that it made for its newest pod template."""
FINISHED = ("Succeeded", "Failed")
"""Phases of pods that run no more. An evicted pod stays so, beside the one that replaced it, until somebody deletes
it."""


def rollout_of(deployment: Object | None, name: str) -> Rollout:
    """How far the Deployment `name` is; None: it is missing."""
    if deployment is None:
        return Rollout(complete=False, message=f"there is no Deployment {name}: Argo CD has not applied it")
    status = deployment.get("status") or {}
    wanted = int(deployment["spec"].get("replicas", 1))
    if int(status.get("observedGeneration", 0)) < int(deployment["metadata"].get("generation", 0)):
        # conditions and numbers are of the time before the last change
        return Rollout(complete=False, message=f"Kubernetes has not looked at the changed Deployment {name} yet")
    conditions = {one["type"]: one for one in status.get("conditions") or []}
    updated, total = int(status.get("updatedReplicas", 0)), int(status.get("replicas", 0))
    if updated >= wanted and total == updated:
        return Rollout(complete=True)
    refused = conditions.get("ReplicaFailure") or {}
    if refused.get("status") == "True":
        why = f"no pod can be made for Deployment {name}: {refused.get('message') or refused.get('reason', '')}"
        return Rollout(complete=False, message=why)
    progress = conditions.get("Progressing") or {}
    if progress.get("status") == "False":
        why = f"Deployment {name} makes no progress: {progress.get('message') or progress.get('reason', '')}"
        return Rollout(complete=False, given_up=True, message=why)
    return Rollout(
        complete=False, message=f"Deployment {name} has {updated} of {wanted} new pods, and {total - updated} old ones"
    )


def candidate_of(deployment: Object | None) -> Candidate | None:
    """The candidate in the pod template of a Deployment of the chart model-app; None where it runs none."""
    spec = (deployment or {}).get("spec") or {}
    template = spec.get("template") or {}
    digest = digest_of(template)
    if not digest or spec.get("replicas") == 0:
        return None
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return Candidate(
        version=annotations.get("slipway.dev/model-version", ""),
        digest=digest,
        revision=annotations.get("slipway.dev/revision", ""),
    )


def newest_replica_set(deployment: Object | None, replica_sets: list[Object]) -> Object | None:
    """The ReplicaSet of the Deployment's newest pod template; None where there is none yet."""
    if deployment is None:
        return None
    revision = (deployment["metadata"].get("annotations") or {}).get(REVISION)
    own = [one for one in replica_sets if _is_owned(one, deployment)]
    return next((one for one in own if (one["metadata"].get("annotations") or {}).get(REVISION) == revision), None)


def pods_that_count(pods: list[Object], replica_set: Object | None) -> list[Object]:
    """The pods of the ReplicaSet that serve or are to serve: neither finished nor being deleted."""
    if replica_set is None:
        return []
    return [
        pod
        for pod in pods
        if _is_owned(pod, replica_set)
        and (pod.get("status") or {}).get("phase") not in FINISHED
        and not pod["metadata"].get("deletionTimestamp")
    ]


def _is_owned(one: Object, owner: Object) -> bool:
    owners = one["metadata"].get("ownerReferences") or []
    return any(reference.get("uid") == owner["metadata"]["uid"] for reference in owners)
