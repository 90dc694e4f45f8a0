"""How many nodes may run at the same time: `parallelism` of the workflow, and of steps and dag templates."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from slipway_workflows.engine.errors import FailFastError
from slipway_workflows.engine.machine.timings import Timings
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.state.nodes import Node


class _PodSlot:
    """One of the pods that may run at a time. It is no generator: of thousands that wait each would keep its frame."""

    __slots__ = ("node", "pods", "timings")

    def __init__(self, pods: asyncio.Semaphore, timings: Timings, node: str) -> None:
        self.pods, self.timings, self.node = pods, timings, node

    async def __aenter__(self) -> None:
        since = time.time()
        await self.pods.acquire()
        try:
            self.timings.queued(self.node, since)
        except BaseException:
            self.pods.release()
            raise

    async def __aexit__(self, *error: object) -> None:
        self.pods.release()


class Parallelism:
    """The limits of one run. `pods`: how many pods of the whole workflow may run at a time; None: any number.

    `timings`: is told how long each pod waited.
    """

    def __init__(self, pods: int | None, timings: Timings) -> None:
        self._timings = timings
        self._pods = asyncio.Semaphore(pods) if pods else None
        self._children: dict[str, asyncio.Semaphore] = {}
        self._fail_fast: set[str] = set()
        self._failed: set[str] = set()

    def pod(self, node: str) -> "nullcontext[None] | _PodSlot":
        """A context to run a pod in: it waits until one more pod of the workflow may run, and counts it as running.

        `node`: the pod's id.
        """
        return nullcontext() if self._pods is None else _PodSlot(self._pods, self._timings, node)

    def limit_children(self, node: Node, template: Template) -> None:
        """Remember the limit, if any, that the template of a steps or dag node sets for its children."""
        if template.get("parallelism"):
            self._children[node.id] = asyncio.Semaphore(int(template["parallelism"]))
            if template.get("failFast"):
                self._fail_fast.add(node.id)

    def child_failed(self, boundary: str) -> None:
        """Remember that a child of the steps or dag node with the id `boundary` has failed."""
        self._failed.add(boundary)

    def child(self, boundary: Node | None) -> AbstractAsyncContextManager[None]:
        """A context to run a child of `boundary` in: it waits until one more child may run, and counts it as running.

        Raises FailFastError where a child has failed and the template has `failFast`.
        """
        limit = self._children.get(boundary.id) if boundary else None
        # most children have no limit, and of thousands that wait each would keep a generator
        return nullcontext() if boundary is None or limit is None else self._wait_for_child(limit, boundary.id)

    @asynccontextmanager
    async def _wait_for_child(self, limit: asyncio.Semaphore, boundary: str) -> AsyncIterator[None]:
        async with limit:
            if boundary in self._fail_fast & self._failed:
                raise FailFastError("template has failed or errored children and failFast enabled")
            yield
