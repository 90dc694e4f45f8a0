"""Converts pods and their usage from Kubernetes' JSON to domain.pods."""

from datetime import datetime
from typing import Any

from slipway_steps.domain.pods import ContainerState, Pod, Sample
from slipway_steps.domain.quantity import parse_quantity

CONTAINER = "app"


def seconds(text: str | None) -> float | None:
    """A Kubernetes timestamp as Unix seconds; None for no timestamp."""
    return datetime.fromisoformat(text).timestamp() if text else None


def container_state(state: dict[str, Any]) -> ContainerState | None:
    """The one state of a container that is set; None where none is."""
    for kind in ("waiting", "running", "terminated"):
        found = state.get(kind)
        if found is not None:
            return ContainerState(
                kind=kind,
                reason=found.get("reason", ""),
                message=found.get("message", ""),
                exit_code=found.get("exitCode"),
                started_at=seconds(found.get("startedAt")),
                finished_at=seconds(found.get("finishedAt")),
            )
    return None


def _own(pod: dict[str, Any], side: str, key: str) -> dict[str, Any]:
    found = (pod.get(side) or {}).get(key) or []
    return next((one for one in found if one.get("name") == CONTAINER), found[0] if found else {})


def digest_of(pod: dict[str, Any]) -> str:
    """The image digest that the pod was told to serve: from its environment variable, else from its image reference."""
    container = _own(pod, "spec", "containers")
    told = {one["name"]: one.get("value", "") for one in container.get("env") or []}
    return told.get("SLIPWAY_IMAGE_DIGEST") or str(container.get("image", "")).partition("@")[2]


def address_of(pod: dict[str, Any]) -> tuple[str, int] | None:
    """The IP address of a pod and the port that its app listens on; None while it has none."""
    ports = _own(pod, "spec", "containers").get("ports") or []
    host = (pod.get("status") or {}).get("podIP")
    return (host, int(ports[0]["containerPort"])) if host and ports else None


def pod_of(pod: dict[str, Any], events: list[str]) -> Pod:
    """A pod. `events`: the messages of its warnings, the newest last; they say why the pod waits."""
    status = pod.get("status") or {}
    own = _own(pod, "status", "containerStatuses")
    state = container_state(own.get("state") or {}) or _unscheduled(status)
    if state.kind == "waiting" and not state.message and events:
        state = state.model_copy(update={"message": events[-1]})
    phase = "Unknown" if _node_is_lost(status, own) else status.get("phase", "Unknown")
    return Pod(
        name=pod["metadata"]["name"],
        phase=phase if phase in ("Pending", "Running", "Succeeded", "Failed") else "Unknown",
        ready=bool(own.get("ready")) and phase != "Unknown",
        restarts=int(own.get("restartCount", 0)),
        digest=digest_of(pod),
        state=state,
        last_state=container_state(own.get("lastState") or {}),
        started_at=seconds(status.get("startTime")),
    )


def _condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    found = status.get("conditions") or []
    return next((one for one in found if one.get("type") == kind), {})


def _unscheduled(status: dict[str, Any]) -> ContainerState:
    told = _condition(status, "PodScheduled")
    if told.get("status") != "False":
        told = status
    return ContainerState(kind="waiting", reason=told.get("reason") or "", message=told.get("message") or "")


def _node_is_lost(status: dict[str, Any], own: dict[str, Any]) -> bool:
    """The control plane marks the pods of a node that it does not hear of as not ready; what the node said last of
    their containers stays.
    """
    return bool(own.get("ready")) and _condition(status, "Ready").get("status") == "False"


def limits_of(pod: dict[str, Any]) -> tuple[int | None, int | None]:
    """The memory limit in bytes and the CPU limit in millicores of the app's container; None where there is no
    limit.
    """
    limits = (_own(pod, "spec", "containers").get("resources") or {}).get("limits") or {}
    memory, cpu = limits.get("memory"), limits.get("cpu")
    return (
        int(parse_quantity(memory)) if memory else None,
        int(parse_quantity(cpu) * 1000) if cpu else None,
    )


def sample_of(metrics: dict[str, Any]) -> Sample | None:
    """The usage of the app's container, from a PodMetrics object, which does not tell how much it was throttled. None
    where the container is not in it.
    """
    at = seconds(metrics.get("timestamp"))
    own = next((one for one in metrics.get("containers") or [] if one.get("name") == CONTAINER), None)
    if at is None or own is None:
        return None
    usage = own.get("usage") or {}
    return Sample(
        at=at,
        memory_bytes=int(parse_quantity(usage.get("memory", "0"))),
        cpu_millicores=float(parse_quantity(usage.get("cpu", "0")) * 1000),
        throttled_percent=None,
    )
