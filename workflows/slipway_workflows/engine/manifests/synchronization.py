"""Which mutexes and semaphores the `synchronization` of a workflow or template names."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from slipway_steps.domain.errors import WorkflowInvalid
from slipway_workflows.engine.manifests.library import Library

LONGEST_NAME = 100
FILE_NAME = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_NAME}}}")


@dataclass(frozen=True)
class Lock:
    """A mutex, or a semaphore, that nodes or workflows hold."""

    name: str
    """The beginning of its files' names."""
    title: str
    """Its name in Argo's messages, such as `default/Mutex/a`."""
    size: int = 1
    """How many may hold it at the same time; 1 for a mutex."""

    @property
    def message(self) -> str:
        """The message of a node or workflow that waits for it, as Argo words it."""
        return f"Waiting for {self.title} lock. Lock status: 0/{self.size}"


def locks_of(synchronization: dict[str, Any] | None, library: Library) -> list[Lock]:
    """The locks of a `synchronization`, sorted, so that two nodes that need the same ones cannot wait for each other.

    Raises WorkflowInvalid where a semaphore's ConfigMap is missing, or its value is not a number.
    """
    found = {}
    for mutex in (synchronization or {}).get("mutexes") or []:
        title = f"default/Mutex/{mutex['name']}"
        found[title] = Lock(_file_name(mutex["name"]), title)
    for semaphore in (synchronization or {}).get("semaphores") or []:
        reference = semaphore["configMapKeyRef"]
        title = f"default/ConfigMap/{reference['name']}/{reference['key']}"
        size = _size(library.config_value(reference), title)
        found[title] = Lock(_file_name(f"{reference['name']}.{reference['key']}"), title, size)
    return [found[title] for title in sorted(found)]


def _size(value: str, title: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise WorkflowInvalid(
            f"{title}: {value!r} is not a number", "write how many may hold the semaphore at the same time"
        ) from error


def _file_name(name: str) -> str:
    """The name of a lock as part of a file's name: itself if it can be one, else its beginning and its hash."""
    if FILE_NAME.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', name[:LONGEST_NAME])}.{digest}"
