"""How many nodes may run at the same time: `parallelism` of the workflow, and of steps and dag templates."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from slipway_workflows.engine.errors import FailFastError
from slipway_workflows.engine.machine.timings import Timings
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.state.nodes import Node


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

    @contextlib.asynccontextmanager
    async def pod(self, node: str) -> AsyncIterator[None]:
        """A context to run a pod in: it waits until one more pod of the workflow may run, and counts it as running.

        `node`: the pod's id.
        """
        if self._pods is None:
            yield
            return
        since = time.time()
        async with self._pods:
            self._timings.queued(node, since)
            yield

    def limit_children(self, node: Node, template: Template) -> None:
        """Remember the limit, if any, that the template of a steps or dag node sets for its children."""
        if template.get("parallelism"):
            self._children[node.id] = asyncio.Semaphore(int(template["parallelism"]))
            if template.get("failFast"):
                self._fail_fast.add(node.id)

    def child_failed(self, boundary: str) -> None:
        """Remember that a child of the steps or dag node with the id `boundary` has failed."""
        self._failed.add(boundary)

    @contextlib.asynccontextmanager
    async def child(self, boundary: Node | None) -> AsyncIterator[None]:
        """A context to run a child of `boundary` in: it waits until one more child may run, and counts it as running.

        Raises FailFastError where a child has failed and the template has `failFast`.
        """
        limit = self._children.get(boundary.id) if boundary else None
        if limit is None:
            yield
            return
        async with limit:
            if boundary is not None and boundary.id in self._fail_fast & self._failed:
                raise FailFastError("template has failed or errored children and failFast enabled")
            yield
