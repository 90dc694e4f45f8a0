"""Reads what a pod of the app says of its own control group, from its /metrics."""

import time
from dataclasses import dataclass

import requests

TIMEOUT = 2.0
"""Seconds to connect, and for each read: a pod of the same cluster answers within milliseconds."""
NAMES = {
    "cgroup_memory_working_set_bytes": "memory",
    "cgroup_cpu_seconds_total": "cpu",
    "cgroup_cpu_throttled_seconds_total": "throttled",
}


@dataclass(frozen=True)
class PodUsage:
    """What a pod had used at a moment. `at`: Unix seconds; `memory`: bytes of the working set; `cpu` and `throttled`:
    seconds since its start.
    """

    at: float
    memory: float
    cpu: float
    throttled: float


def read_usage(host: str, port: int) -> PodUsage | None:
    """The usage of the pod at an address; None where it cannot be asked or does not say."""
    named = f"[{host}]" if ":" in host else host
    with requests.Session() as session:
        session.trust_env = False  # there is no proxy between a step and a pod
        try:
            answer = session.get(f"http://{named}:{port}/metrics", timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException:
            return None
    found: dict[str, float] = {}
    for line in answer.text.splitlines() if answer.ok else ():
        name, _, value = line.partition(" ")
        if name in NAMES:
            try:
                found[NAMES[name]] = float(value)
            except ValueError:
                return None
    return PodUsage(at=time.time(), **found) if len(found) == len(NAMES) else None
