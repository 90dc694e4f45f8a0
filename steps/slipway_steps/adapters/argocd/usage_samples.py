"""The usage of an environment's pods over time, by what each pod says of its own control group."""

from collections.abc import Collection
from typing import Any

from slipway_steps.adapters.http.pod_usage import PodUsage, read_usage
from slipway_steps.adapters.kubernetes.pods import address_of
from slipway_steps.domain.pods import Sample

SHORTEST = 0.2
"""Seconds between two readings below which they make no sample: a period of the CPU limit is 0.1 s."""


class UsageSamples:
    """Collects samples from one call to the next. The first reading of a pod only says where its counters stand."""

    def __init__(self) -> None:
        self.samples: dict[str, list[Sample]] = {}
        self._last: dict[str, PodUsage] = {}

    def read(self, pods: list[dict[str, Any]]) -> None:
        """Read the usage of pods as Kubernetes describes them. One that does not tell it now is left out."""
        for pod in pods:
            address = address_of(pod)
            found = read_usage(*address) if address else None
            if found is not None:
                self._add(pod["metadata"]["name"], found)

    def knows(self, pods: Collection[str]) -> bool:
        """Whether every one of these pods has told its usage; False for none."""
        return bool(pods) and all(name in self._last for name in pods)

    def _add(self, name: str, now: PodUsage) -> None:
        before = self._last.get(name)
        if before is not None and now.at - before.at < SHORTEST:
            return
        self._last[name] = now
        if before is None or now.cpu < before.cpu:
            return  # the first reading, or the first one of a container that was started again
        passed = now.at - before.at
        self.samples.setdefault(name, []).append(
            Sample(
                at=now.at,
                memory_bytes=int(now.memory),
                cpu_millicores=(now.cpu - before.cpu) / passed * 1000,
                throttled_percent=min(100.0, max(0.0, (now.throttled - before.throttled) / passed * 100)),
            )
        )
