"""What sessions have made in a namespace of a cluster: it is found by the label of the session, and removed."""

import math
from collections.abc import Iterator
from typing import Any

from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.adapters.targets.argo_manifest import API, SESSION_LABEL
from slipway_steps.domain.perf_until import UNTIL, read_end

Object = dict[str, Any]
KINDS = ("cronworkflows", "workflows")
"""What a session makes; schedules are removed first, so that nothing new comes."""
REMOVALS = 3
"""How often all is looked for again: the controller may fire a schedule while it is deleted."""


class ArgoObjects:
    """The objects of all sessions in one namespace. owner: see `read_end`. Each method raises PlatformError."""

    def __init__(self, api: Api, namespace: str, owner: str = "") -> None:
        self.owner = owner
        self.api = api
        self.namespace = namespace

    def sessions(self) -> dict[str, float]:
        """The sessions of which an object is there, each with the time until which it may run (Unix seconds)."""
        found: dict[str, float] = {}
        for plural in KINDS:
            for session, metadata in self._labelled(plural, SESSION_LABEL, "performance tests"):
                # the same time is written at all of them; one that somebody has taken it from goes by the others
                until = read_end((metadata.get("annotations") or {}).get(UNTIL), self.owner)
                found[session] = min(found.get(session, math.inf), until)
        return found

    def remove(self, session: str) -> list[str]:
        """Remove the objects of one session; returns their names. Pods go with their workflows."""
        removed = []
        for _ in range(REMOVALS):
            found = [
                (plural, metadata["name"])
                for plural in KINDS
                for label, metadata in self._labelled(plural, f"{SESSION_LABEL}={session}", session)
                if label == session and not metadata.get("deletionTimestamp")
            ]
            for plural, name in found:
                path = path_of(API, plural, self.namespace, name)
                if self.api.delete(path, what=f"removing {plural} {name}", absent=True) is not None:
                    removed.append(f"{plural.removesuffix('s')} {name}")
            if not found:
                break
        return removed

    def _labelled(self, plural: str, selector: str, whose: str) -> Iterator[tuple[str, Object]]:
        path, what = path_of(API, plural, self.namespace), f"looking for {plural} of {whose}"
        found = self.api.get(path, what=what, absent=False, labelSelector=selector)
        for one in found.get("items") or []:
            session = (one["metadata"].get("labels") or {}).get(SESSION_LABEL)
            if session:
                yield str(session), one["metadata"]
