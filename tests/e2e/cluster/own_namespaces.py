"""The namespaces that the suite makes: it changes and deletes no other."""

import time
from collections.abc import Iterable
from typing import Any

from kubernetes.client.exceptions import ApiException

LABEL = "slipway.dev/e2e"
"""A namespace with this label was made by the suite, by this run or by one that was killed."""
GONE = 300.0
"""Seconds that the deletion of a namespace may take."""


class NotOurs(Exception):
    """A namespace has a name that the suite needs, and the suite has not made it."""


def _found(core: Any, name: str) -> Any:
    try:
        return core.read_namespace(name)
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def owned(core: Any, names: Iterable[str]) -> list[str]:
    """Those of the namespaces that exist. Raises NotOurs where one of them is not the suite's."""
    there = {name: found for name in names if (found := _found(core, name)) is not None}
    for name, found in there.items():
        if LABEL not in (found.metadata.labels or {}):
            hint = "delete it, or take another cluster"
            raise NotOurs(f"the namespace {name} exists and was not made by this suite; {hint}")
    return list(there)


def create(core: Any, names: Iterable[str]) -> None:
    """Make the namespaces; what an earlier run has left of them is deleted first.

    Raises NotOurs, before anything is changed, where one of them exists and is not the suite's.
    """
    wanted = list(names)
    owned(core, wanted)
    remove(core, wanted)
    make_missing(core, wanted)


def make_missing(core: Any, names: Iterable[str]) -> None:
    """Make those of the namespaces that are not there, with the suite's label."""
    for name in names:
        if _found(core, name) is None:
            metadata = {"name": name, "labels": {LABEL: "true"}}
            core.create_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def remove(core: Any, names: Iterable[str]) -> None:
    """Delete those of the namespaces that the suite has made, and wait until they are gone."""
    wanted = [name for name in names if (there := _found(core, name)) and LABEL in (there.metadata.labels or {})]
    for name in wanted:
        core.delete_namespace(name)
    deadline = time.monotonic() + GONE
    while any(_found(core, name) for name in wanted):
        if time.monotonic() > deadline:
            left = ", ".join(wanted)
            raise TimeoutError(f"the namespaces {left} are not gone after {GONE:.0f} s; see their finalizers")
        time.sleep(1)
