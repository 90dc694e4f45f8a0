"""How many nodes run at a time: the workflow's `parallelism`, and that of steps and dag templates."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from slipway_workflows.engine.errors import FailFastError
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.state.nodes import Node


class Parallelism:
    """The limits of one run. `pods`: how many pods of the whole workflow may run at a time; None: any number."""

    def __init__(self, pods: int | None) -> None:
        self._pods = asyncio.Semaphore(pods) if pods else None
        self._children: dict[str, asyncio.Semaphore] = {}
        self._fail_fast: set[str] = set()
        self._failed: set[str] = set()

    def pod(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Wait until one more pod of the workflow may run, and count it while it does."""
        return self._pods or contextlib.nullcontext()

    def limit_children(self, node: Node, template: Template) -> None:
        """Let only as many children of a steps or dag node run at a time as its template says."""
        if template.get("parallelism"):
            self._children[node.id] = asyncio.Semaphore(int(template["parallelism"]))
            if template.get("failFast"):
                self._fail_fast.add(node.id)

    def child_failed(self, boundary: str) -> None:
        """Remember that a child of the node with this id has failed."""
        self._failed.add(boundary)

    @contextlib.asynccontextmanager
    async def child(self, boundary: Node | None) -> AsyncIterator[None]:
        """Wait until one more child of the boundary may run. Raises FailFastError where none may any more."""
        limit = self._children.get(boundary.id) if boundary else None
        if limit is None:
            yield
            return
        async with limit:
            if boundary is not None and boundary.id in self._fail_fast & self._failed:
                raise FailFastError("template has failed or errored children and failFast enabled")
            yield
