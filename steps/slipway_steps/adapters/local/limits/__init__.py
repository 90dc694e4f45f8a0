"""Memory and CPU limits that are really enforced: by the kernel where it lets us, else by watching the process."""

from pathlib import Path
from typing import NamedTuple, Protocol


class Usage(NamedTuple):
    """What a container used since it started. Memory is the working set now; times are seconds."""

    memory_bytes: int
    cpu_seconds: float
    throttled_seconds: float


class Limiter(Protocol):
    """Holds one container, from before its start until after its end, to its limits."""

    name: str
    tick: float
    """Seconds between two calls of `enforce`."""
    groups: list[Path]
    """Directories that have to be removed afterwards; known before `prepare` makes them."""

    def prepare(self) -> None:
        """Make what the container is put into. Raises OSError where that is not allowed."""

    def joining(self) -> list[Path]:
        """Files into which the new process writes "0" before it becomes the app."""

    def attach(self, pid: int) -> None:
        """The container runs as this process, the leader of its group."""

    def enforce(self) -> None:
        """Called every `tick` seconds while the container runs."""

    def usage(self) -> Usage | None:
        """What it uses, or None where that cannot be told (it has just ended)."""

    def killed_for_memory(self) -> int | None:
        """How many bytes it used when it was killed for its memory, else None. Called after its end."""

    def resume(self) -> None:
        """Let it run, so that it can react to a signal."""

    def release(self) -> None:
        """Kill what is left of it and remove what `prepare` made."""
