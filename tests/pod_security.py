"""Admission by the Pod Security Standard `restricted`, as Kubernetes 1.34 judges a pod and words its refusal."""

from collections.abc import Callable, Iterator
from typing import Any

Object = dict[str, Any]

VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected"),
    "secret",
}
SECCOMP = ("RuntimeDefault", "Localhost")


def violations(pod: Object) -> list[str]:
    """What in a pod's spec the standard forbids, in Kubernetes' words; empty: the pod is admitted."""
    return [*_of_the_pod(pod), *_of_containers(pod), *_of_both(pod)]


def refusal(name: str, pod: Object) -> str | None:
    """The message that refuses a pod of this name; None: it is admitted."""
    found = violations(pod)
    return (
        f'pods "{name}" is forbidden: violates PodSecurity "restricted:latest": {", ".join(found)}' if found else None
    )


def _containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", []), *pod.get("containers", []), *pod.get("ephemeralContainers", [])]


def _context(container: Object) -> Object:
    return container.get("securityContext") or {}


def _named(names: list[str], what: str = "container") -> str:
    return f"{what}{'s' if len(names) > 1 else ''} {', '.join(f'{chr(34)}{name}{chr(34)}' for name in names)}"


def _of_the_pod(pod: Object) -> Iterator[str]:
    shared = [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    if shared:
        yield f"host namespaces ({', '.join(f'{key}=true' for key in shared)})"
    for volume in pod.get("volumes", []):
        kind = next((key for key in volume if key != "name"), "emptyDir")
        if kind not in VOLUMES:
            yield f'restricted volume types (volume "{volume["name"]}" uses restricted volume type "{kind}")'
    if (pod.get("securityContext") or {}).get("sysctls"):
        yield "forbidden sysctls"


def _of_containers(pod: Object) -> Iterator[str]:
    containers = _containers(pod)

    def those(wrong: Callable[[Object], bool]) -> list[str]:
        return [one["name"] for one in containers if wrong(_context(one))]

    if names := those(lambda c: bool(c.get("privileged"))):
        yield f"privileged ({_named(names)} must not set securityContext.privileged=true)"
    if names := [one["name"] for one in containers if any(port.get("hostPort") for port in one.get("ports", []))]:
        yield f"hostPort ({_named(names)} uses hostPorts)"
    if names := those(lambda c: c.get("allowPrivilegeEscalation") is not False):
        must = "must set securityContext.allowPrivilegeEscalation=false"
        yield f"allowPrivilegeEscalation != false ({_named(names)} {must})"
    if names := those(lambda c: "ALL" not in (c.get("capabilities") or {}).get("drop", [])):
        yield f'unrestricted capabilities ({_named(names)} must set securityContext.capabilities.drop=["ALL"])'
    if names := those(lambda c: bool(set((c.get("capabilities") or {}).get("add", [])) - {"NET_BIND_SERVICE"})):
        yield f"unrestricted capabilities ({_named(names)} must not include other than NET_BIND_SERVICE)"
    if names := those(lambda c: (c.get("appArmorProfile") or {}).get("type") == "Unconfined"):
        yield f'forbidden AppArmor profiles ({_named(names)} must not set appArmorProfile.type to "Unconfined")'
    if names := those(lambda c: c.get("procMount", "Default") != "Default"):
        yield f"procMount ({_named(names)} must not set securityContext.procMount)"


def _of_both(pod: Object) -> Iterator[str]:
    """What a container may say itself, or leave to its pod."""
    whole = pod.get("securityContext") or {}
    containers = _containers(pod)

    def effective(one: Object, field: str) -> Any:
        own = _context(one).get(field)
        return whole.get(field) if own is None else own

    if names := [one["name"] for one in containers if effective(one, "runAsNonRoot") is not True]:
        who = _named(names, "pod or container")
        yield f"runAsNonRoot != true ({who} must set securityContext.runAsNonRoot=true)"
    if names := [one["name"] for one in containers if effective(one, "runAsUser") == 0]:
        yield f"runAsUser=0 ({_named(names)} must not set runAsUser=0)"
    kinds = {one["name"]: (effective(one, "seccompProfile") or {}).get("type") for one in containers}
    if names := [name for name, kind in kinds.items() if kind not in SECCOMP]:
        must = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
        yield f"seccompProfile ({_named(names, 'pod or container')} {must})"
